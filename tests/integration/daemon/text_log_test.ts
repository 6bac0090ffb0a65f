/** The text log's files and who reads them: turning over, following, writing when there is nowhere to write. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { parseLogLine } from "../../../src/base/log_line.ts";
import { logs } from "../../../src/cli/commands/logs.ts";
import { LogTail } from "../../../src/cli/daemon/log_tail.ts";
import { TextLog } from "../../../src/daemon/text_log.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

const line = (message: string) => ({ ts: 0, level: "info", source: "daemon", event: "test", message } as const);

function messages(text: string): string[] {
  return text.split("\n").map((each) => parseLogLine(each)?.message ?? null).filter((each) => each !== null);
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("TextLog turns its file over when it is full, and keeps so many older ones", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock, { maxBytes: 500, kept: 3 });
    for (let count = 0; count < 100; count++) log.write(line(`number ${count}`));
    log.close();
    assert.deepEqual(names(`${root}/logs`), ["nerve.log", "nerve.log.1", "nerve.log.2", "nerve.log.3"]);
    const files = ["nerve.log.3", "nerve.log.2", "nerve.log.1", "nerve.log"].map((name) => `${root}/logs/${name}`);
    for (const file of files) assert.ok(Deno.statSync(file).size <= 500);
    const kept = messages((await Promise.all(files.map((file) => Deno.readTextFile(file)))).join(""));
    // The newest ones without a gap.
    assert.deepEqual(kept, Array.from({ length: kept.length }, (_, at) => `number ${100 - kept.length + at}`));
    assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  });
});

Deno.test("TextLog goes on where it ended, and in a new file when somebody removed the one that was open", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, first = new TextLog(path, systemClock);
    first.write(line("one"));
    first.close();
    const second = new TextLog(path, systemClock);
    second.write(line("two"));
    assert.deepEqual(messages(await Deno.readTextFile(path)), ["one", "two"]);
    await Deno.remove(`${root}/logs`, { recursive: true });
    second.write(line("three"));
    second.close();
    assert.deepEqual(messages(await Deno.readTextFile(path)), ["three"]);
  });
});

Deno.test("TextLog never throws: what it cannot write it counts, and tells when it can again", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock);
    // A file where the folder should be: also the superuser cannot write there.
    Deno.writeTextFileSync(`${root}/logs`, "");
    log.write(line("lost"));
    log.write(line("lost too"));
    await Deno.remove(`${root}/logs`);
    log.write(line("back"));
    log.close();
    const [loss, back] = messages(await Deno.readTextFile(path));
    assert.match(loss ?? "", /^2 lines could not be written: /);
    assert.equal(back, "back");
  });
});

Deno.test("TextLog does not make a workspace again that was removed", async () => {
  await inTempDir((root) => {
    const log = new TextLog(`${root}/ws/logs/nerve.log`, systemClock);
    log.write(line("nowhere"));
    log.close();
    assert.deepEqual(names(root), []);
    return Promise.resolve();
  });
});

Deno.test("LogTail loses and doubles no line, however often the file turns over between two looks", async () => {
  await inTempDir((root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock, { maxBytes: 400 });
    using tail = new LogTail(path);
    const seen: string[] = [];
    let written = 0;
    // Up to three files between two looks; five older ones are kept.
    for (const step of [1, 0, 3, 1, 9, 2, 10, 1, 1, 7, 0, 12]) {
      for (let count = 0; count < step; count++) log.write(line(`number ${written++}`));
      seen.push(...tail.read());
    }
    log.close();
    assert.deepEqual(messages(seen.join("\n")), Array.from({ length: written }, (_, at) => `number ${at}`));
    return Promise.resolve();
  });
});

Deno.test("nerve logs reaches into older files for as many lines as it was asked for", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const log = new TextLog(`${root}/logs/nerve.log`, systemClock, { maxBytes: 400 });
    for (let count = 0; count < 10; count++) log.write(line(`number ${count}`));
    log.close();
    const io = new CapturedIo({ cwd: root });
    assert.equal(await logs(io, { follow: false, json: false, lines: 8 }), 0);
    assert.deepEqual(messages(io.out), Array.from({ length: 8 }, (_, at) => `number ${at + 2}`));
    assert.match(io.out, new RegExp(`\nlog: ${root}/logs/nerve\\.log\n$`));
  });
});

Deno.test("nerve logs -f shows new lines across the file's turning over, until Ctrl-C", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const log = new TextLog(`${root}/logs/nerve.log`, systemClock, { maxBytes: 400 });
    for (let count = 0; count < 3; count++) log.write(line(`old ${count}`));
    const io = new CapturedIo({ cwd: root });
    const code = logs(io, { follow: true, json: true, lines: 2 });
    await within(io.seen(/old 2/), "the last lines");
    for (let count = 0; count < 20; count++) {
      log.write(line(`new ${count}`));
      // Each one is seen before the next is written.
      await within(io.seen(new RegExp(`new ${count}"`)), `line ${count}`);
    }
    log.close();
    io.interrupt();
    assert.equal(await within(code, "the end"), 0);
    const shown = io.out.trimEnd().split("\n").map((text) => JSON.parse(text).message);
    assert.deepEqual(shown, ["old 1", "old 2", ...Array.from({ length: 20 }, (_, at) => `new ${at}`)]);
    assert.equal(io.listening, false);
    assert.equal(io.err.match(/no daemon runs; the log goes on with the next nerve start/g)?.length, 1);
  });
});

Deno.test("nerve logs without a log says how to get one", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const io = new CapturedIo({ cwd: root }), json = new CapturedIo({ cwd: root });
    assert.deepEqual([await logs(io, { follow: false, json: false }), io.err], [0, ""]);
    assert.match(io.out, /^👉 no log yet: nerve start writes one; .* nerve events\nlog: .*nerve\.log\n$/);
    assert.deepEqual([await logs(json, { follow: false, json: true }), json.out, json.err], [0, "", ""]);
    const following = logs(new CapturedIo({ cwd: root }), { follow: true, json: false });
    await assert.rejects(following, { code: "DAEMON_MISSING", message: /There is no log to follow yet/ });
  });
});
