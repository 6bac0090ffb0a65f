/** All output goes through the one printer. Danger: a command that writes on its own what a terminal obeys. */
import assert from "node:assert/strict";
import { readSource, sourceFiles } from "../support/source_files.ts";

/** The files that may use the streams of the process, and why. */
const owners: Readonly<Record<string, string>> = {
  "src/agents/fake_agent.ts": "sends lines of JSON to agents/fake_adapter.ts",
  "src/cli/main.ts": "makes the sinks, which app.ts gives to the printer",
  "src/daemon/kernel_process.ts": "writes records of JSON to the supervisor",
  "src/daemon/supervisor_process.ts": "writes one report of JSON to nerve start",
};

const streams = /\bDeno\.(?:stdout|stderr)\b|\bprocess\.(?:stdout|stderr)\b|\bconsole\.\w+\(|\bDeno\.inspect\(/;

Deno.test("no file but the owners of the streams writes to stdout or stderr", () => {
  const files = sourceFiles(["src"], ".ts"),
    found = files.filter((file) => streams.test(withoutComments(readSource(file))));
  assert.ok(files.length > 200);
  assert.deepEqual(found.sort(), Object.keys(owners).sort());
});

Deno.test("the command line gives every command the printer, and nothing else makes a sink", () => {
  assert.match(
    readSource("src/cli/app.ts"),
    /runCli\(argv: readonly string\[\], given: CliIo\)[^}]*\n {2}const io = createPrinter\(given\);/,
  );
  const users = sourceFiles(["src"], ".ts").filter((file) => /\bgiven\.(stdout|stderr)\b/.test(readSource(file)));
  assert.deepEqual(users, []);
});

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
}
