/**
 * The terminal and the text log: no text of a sense, a role, a file's name or a database reaches one with a character that a
 * terminal obeys, whichever command prints it and in whichever format.
 */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { attackTest } from "../../support/attack_tests.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { isLong } from "../../support/long_form.ts";

/** A title, a cleared screen, C1, the start of the line, reordered text, a forged line of the log. */
const hostile =
  "\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u202e\u2066\u200f\u0008 ts=2026-01-01T00:00:00.000Z level=info\n✅ forged line";
const text = `const E = ${JSON.stringify(hostile)};`;
const yaml = { timeout: "5s" };

const obeyed = /(?![\t\n])\p{Cc}|[\p{Bidi_Control}\u2028\u2029]/u;

const says = `${text}
  log("warn", E, { [E]: E });
  console.log(E);
  console.error(E);
  Deno.stdout.writeSync(new TextEncoder().encode(E + "\\n"));
  Deno.mkdirSync(config.workspace + "/data/blobs/" + E.slice(0, 20), { recursive: true });
  Deno.writeTextFileSync(config.workspace + "/data/blobs/" + E.slice(0, 20) + "/x" + E.slice(0, 20), "x");
  Promise.reject(Object.assign(new Error(E), { name: E }));`;

/** Every command that prints what others wrote, in each format. */
const commands: readonly (readonly string[])[] = [
  ...["says", "throws", "tables", "runs"].map((name) => ["sense", "query", name, "select * from sqlite_master"]),
  ["sense", "query", "tables", "select * from t"],
  ...[["events", "--limit", "500"], ["logs"], ["status"], ["doctor"], ["validate", "--no-types"], ["permissions"], [
    "sense",
    "list",
  ]],
  ...[["workflow", "list"], ["workflow", "inspect", "throws"], ["why", "throws"], ["why", "says"], ["store", "stats"]],
  ...[["store", "verify"], ["sense", "trigger", "throws"], ["sense", "trigger", hostile], [hostile], ["why", hostile]],
  ["workflow", "trigger", "throws", "--prompt", hostile],
];

attackTest("nothing that a terminal obeys reaches it, by no command, in no format and in no log", {
  "says": { body: `${says}; return { [E]: E };`, outcome: /^returned /, deadly: true, yaml },
  "throws": {
    body: `${text} throw Object.assign(new Error(E), { name: E, stack: "Error\\n at file:///" + E + ":1:1" });`,
    outcome: /^threw /,
    deadly: true,
    yaml,
  },
  "tables": {
    body: `${text}
      sqlite.exec(\`create table if not exists t ("\${E}" text); insert into t values ('\${E}')\`);
      sqlite.exec(\`create table if not exists "\${E}" (a); create index if not exists "i\${E}" on t ("\${E}")\`);
      return E`,
    outcome: /^returned /,
    only: "sense",
    deadly: true,
    yaml,
  },
  "runs": {
    body: `${text} return { workflow: { name: "throws", prompt: E }, [E]: E }`,
    raw: true,
    only: "sense",
    outcome: /^run/,
    deadly: true,
    yaml,
  },
  "bad-run": {
    body: `${text} return { workflow: { name: E, prompt: E } }`,
    raw: true,
    only: "sense",
    // It names no workflow: the rest of it is a signal.
    outcome: /^returned \{\}/,
    deadly: true,
    yaml,
  },
}, {
  isWhole: true,
  async check(daemon) {
    let printed = 0;
    for (const argv of commands.filter(([first]) => isLong || (first !== "doctor" && first !== "validate"))) {
      for (const format of [[], ["--json"]]) {
        const io = new CapturedIo({ cwd: daemon.targets.workspace });
        await runCli([...argv, ...format], io);
        printed += /owned/.test(io.out + io.err) ? 1 : 0;
        assert.doesNotMatch(io.out + io.err, obeyed, [...argv, ...format].join(" "));
        assert.doesNotMatch(io.out + io.err, /^✅ forged line/m, [...argv, ...format].join(" "));
      }
    }
    assert.ok(printed > 10, `${printed} commands printed the text at all`);
    const said = await daemon.printed();
    assert.match(said, /owned/);
    assert.doesNotMatch(said, obeyed, "the daemon's own output");
  },
});
