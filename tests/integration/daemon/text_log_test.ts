/** The files of the text log: rotated, cut, and never the reason why a daemon ends. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { logLineMaxBytes } from "../../../src/base/limits.ts";
import { parseLogLine } from "../../../src/base/log_line.ts";
import { TextLog } from "../../../src/daemon/text_log.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { logLine, messagesOf } from "../../support/log_lines.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("TextLog rotates its file when it is full, and keeps a number of older ones", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock, { maxBytes: 500, kept: 3 });
    for (let count = 0; count < 100; count++) log.write(logLine(`number ${count}`));
    log.close();
    assert.deepEqual(names(`${root}/logs`), ["nerve.log", "nerve.log.1", "nerve.log.2", "nerve.log.3"]);
    const files = ["nerve.log.3", "nerve.log.2", "nerve.log.1", "nerve.log"].map((name) => `${root}/logs/${name}`);
    for (const file of files) assert.ok(Deno.statSync(file).size <= 500);
    const kept = messagesOf((await Promise.all(files.map((file) => Deno.readTextFile(file)))).join(""));
    // The newest ones without a gap.
    assert.deepEqual(kept, Array.from({ length: kept.length }, (_, at) => `number ${100 - kept.length + at}`));
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("TextLog continues its file, and creates a new one when somebody removed it", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, first = new TextLog(path, systemClock);
    first.write(logLine("one"));
    first.close();
    const second = new TextLog(path, systemClock);
    second.write(logLine("two"));
    assert.deepEqual(messagesOf(await Deno.readTextFile(path)), ["one", "two"]);
    await Deno.remove(`${root}/logs`, { recursive: true });
    second.write(logLine("three"));
    second.close();
    assert.deepEqual(messagesOf(await Deno.readTextFile(path)), ["three"]);
  });
});

Deno.test("TextLog never throws: it counts the lines it cannot write, and reports them when it can write again", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock);
    // A file in place of the folder: here even root cannot write.
    Deno.writeTextFileSync(`${root}/logs`, "");
    log.write(logLine("lost"));
    log.write(logLine("lost too"));
    await Deno.remove(`${root}/logs`);
    log.write(logLine("back"));
    log.close();
    const [loss, back] = messagesOf(await Deno.readTextFile(path));
    assert.match(loss ?? "", /^2 lines could not be written: /);
    assert.equal(back, "back");
  });
});

Deno.test("TextLog does not recreate a workspace that was removed", async () => {
  await inTempDir((root) => {
    const log = new TextLog(`${root}/ws/logs/nerve.log`, systemClock);
    log.write(logLine("nowhere"));
    log.close();
    assert.deepEqual(names(root), []);
    return Promise.resolve();
  });
});

long.test("a long message of a sense is cut in the log, and stays on one line", async () => {
  const long = "export const compute = () => ({ text: '\\n\u0007\"'.repeat(20_000) });\n";
  await using workspace = await DaemonWorkspace.make({ "senses/ping/index.ts": long });
  await workspace.start();
  await workspace.reached("the signal", () => /event=signal .*\n/.test(workspace.textLog()));
  const lines = workspace.textLog().trimEnd().split("\n");
  assert.ok(lines.every((line) => line.length <= logLineMaxBytes && parseLogLine(line) !== null));
  assert.match(
    parseLogLine(lines.find((line) => /event=signal/.test(line)) ?? "")?.message ?? "",
    /^\d+ \{"text".*\.\.\.$/,
  );
});
