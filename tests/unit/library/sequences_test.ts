/** What log-pattern removes from a line before it looks for patterns. */
import assert from "node:assert/strict";
import { withoutSequences } from "../../../senses/log-pattern/sequences.ts";

Deno.test("colours, links, titles and other sequences for terminals are taken out, in every form in which logs have them", () => {
  const lines = [
    ...[
      "\x1b[31mERROR\x1b[0m",
      "\x9b31mERROR\x9bm",
      "\x1b[38;2;255;0;0mERROR\x1b[K",
      "\x1b[38:2::255:0:0mERROR\x1b[4:3m",
    ],
    ...["\x1b]8;;https://x/\x07ERROR\x1b]8;;\x1b\\", "\x1b]0;title\x9cERROR", "\x1bPq#0\x1b\\ERROR", "\x1b[>1uERROR"],
    ...["\x1b(BERROR", "\x1b7ERROR\x1b8", "\x1b=ERROR", "\x1b[?25lERROR\x1b[200~"],
    // rsyslog, systemd and others write the control character as text.
    ...[
      "#033[31mERROR#033[0m",
      "^[[1;31mERROR^[[m",
      "\\x1b[31mERROR\\x1b[0m",
      "\\u001B[31mERROR",
      "\\033[31mERROR\\e[0m",
    ],
  ];
  for (const line of lines) assert.equal(withoutSequences(line), "ERROR", JSON.stringify(line));
});

Deno.test("what only resembles a sequence stays, and takes no time to speak of", () => {
  for (const line of ["[31m ERROR [0]", "^[a-z]+$", "#033 [31m", "Fehler \u00fc"]) {
    assert.equal(withoutSequences(line), line);
  }
  assert.equal(withoutSequences("\x1b]0;no end"), "0;no end");
  const started = performance.now();
  for (const part of ["\x1b]", "\x1b[0", "\x9d", "#033[", "^[["]) withoutSequences(part.repeat(100_000));
  assert.ok(performance.now() - started < 5_000);
});
