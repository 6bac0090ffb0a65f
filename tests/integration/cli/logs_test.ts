/** `nerve logs`: lines of the text log, also of its older files. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { logs } from "../../../src/cli/commands/logs.ts";
import { TextLog } from "../../../src/daemon/text_log.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { logLine, messagesOf } from "../../support/log_lines.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

Deno.test("nerve logs reads older files for the number of lines that was asked for", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const log = new TextLog(`${root}/logs/nerve.log`, systemClock, { maxBytes: 400 });
    for (let count = 0; count < 10; count++) log.write(logLine(`number ${count}`));
    log.close();
    const io = new CapturedIo({ cwd: root });
    assert.equal(await logs(io, { follow: false, json: false, lines: 8 }), 0);
    assert.deepEqual(messagesOf(io.out), Array.from({ length: 8 }, (_, at) => `number ${at + 2}`));
    assert.match(io.out, new RegExp(`\ntext log: ${root}/logs/nerve\\.log\n$`));
  });
});

Deno.test("nerve logs -f shows new lines across rotations, until Ctrl-C", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const log = new TextLog(`${root}/logs/nerve.log`, systemClock, { maxBytes: 400 });
    for (let count = 0; count < 3; count++) log.write(logLine(`old ${count}`));
    const io = new CapturedIo({ cwd: root });
    const code = logs(io, { follow: true, json: true, lines: 2 });
    await io.seen(/old 2/);
    for (let count = 0; count < 20; count++) {
      log.write(logLine(`new ${count}`));
      // Each line is printed before the next is written.
      await io.seen(new RegExp(`new ${count}"`));
    }
    log.close();
    io.interrupt();
    assert.equal(await within(code, "the end"), 0);
    const shown = io.out.trimEnd().split("\n").map((text) => JSON.parse(text).message);
    assert.deepEqual(shown, ["old 1", "old 2", ...Array.from({ length: 20 }, (_, at) => `new ${at}`)]);
    assert.equal(io.listening, false);
    assert.equal(io.err.match(/no daemon runs; the log continues at the next nerve start/g)?.length, 1);
  });
});

Deno.test("nerve logs without a text log says how to get one", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const io = new CapturedIo({ cwd: root }), json = new CapturedIo({ cwd: root });
    assert.deepEqual([await logs(io, { follow: false, json: false }), io.err], [0, ""]);
    assert.match(io.out, /^👉 no log yet: nerve start writes one; nerve events .*\ntext log: .*nerve\.log\n$/);
    assert.deepEqual([await logs(json, { follow: false, json: true }), json.out, json.err], [0, "", ""]);
    const following = logs(new CapturedIo({ cwd: root }), { follow: true, json: false });
    await assert.rejects(following, { code: "DAEMON_MISSING", message: /there is no log to follow yet/ });
  });
});
