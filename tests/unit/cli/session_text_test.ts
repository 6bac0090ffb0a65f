/** Lines about agents' sessions, and messages without text. */
import assert from "node:assert/strict";
import { toPrintable } from "../../../src/base/printable.ts";
import { formatMessage } from "../../../src/cli/render/message_text.ts";
import { describeSession } from "../../../src/cli/render/session_text.ts";
import { logTypes } from "../../../src/protocol/log.ts";

Deno.test("every row about a session or an artifact has a line of its own, and no other row has one", () => {
  const about = {
    agent: "a\x1b[2J",
    role: "r",
    name: "n",
    path: "p",
    reason: "why",
    chars: 1,
    attempt: 1,
    state: "BUSY",
  };
  const lines = new Set<string>();
  for (const type of logTypes) {
    const line = describeSession(type, about);
    assert.equal(line !== null, /^(session|artifact)\./.test(type), type);
    if (line === null) continue;
    assert.ok(toPrintable(line) === line && !/undefined|null/.test(line), JSON.stringify(line));
    lines.add(line);
  }
  assert.equal(lines.size, 12);
  assert.equal(describeSession("session.prompted", about), "📝 a\\u001b[2J is asked by role r, attempt 2");
  assert.equal(describeSession("session.answered", about), "📝 a\\u001b[2J has answered: 1 character");
  assert.equal(describeSession("artifact.refused", about), "🔶 p is refused: why");
});

Deno.test("a message without words shows its artifact, or else its meta", () => {
  assert.equal(formatMessage("two\nlines", { n: 1 }), "two\nlines");
  assert.equal(formatMessage(" ", { artifact: { verdict: "changes" }, agent: "a" }), '{"verdict":"changes"}');
  assert.equal(formatMessage("", { success: true }), '{"success":true}');
  assert.equal(formatMessage("", {}), "");
});
