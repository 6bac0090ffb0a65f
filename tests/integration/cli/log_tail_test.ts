/** Following the text log while its file is rotated. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { LogTail } from "../../../src/cli/daemon/log_tail.ts";
import { TextLog } from "../../../src/daemon/text_log.ts";
import { logLine, messagesOf } from "../../support/log_lines.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("LogTail neither loses nor repeats a line, however often the file is rotated between two reads", async () => {
  await inTempDir((root) => {
    const path = `${root}/logs/nerve.log`, log = new TextLog(path, systemClock, { maxBytes: 400 });
    using tail = new LogTail(path);
    const seen: string[] = [];
    let written = 0;
    // Up to three files between two reads; five older ones are kept.
    for (const step of [1, 0, 3, 1, 9, 2, 10, 1, 1, 7, 0, 12]) {
      for (let count = 0; count < step; count++) log.write(logLine(`number ${written++}`));
      seen.push(...tail.read());
    }
    log.close();
    assert.deepEqual(messagesOf(seen.join("\n")), Array.from({ length: written }, (_, at) => `number ${at}`));
    return Promise.resolve();
  });
});

Deno.test("LogTail begins anew in a file that somebody has emptied", async () => {
  await inTempDir(async (root) => {
    const path = join(root, "nerve.log");
    await Deno.writeTextFile(path, "one\ntwo\nhal");
    using tail = new LogTail(path);
    assert.deepEqual(tail.read(), ["one", "two"]);
    Deno.truncateSync(path);
    Deno.writeTextFileSync(path, "three\n", { append: true });
    assert.deepEqual(tail.read(), ["three"]);
    assert.deepEqual(tail.read(), []);
  });
});
