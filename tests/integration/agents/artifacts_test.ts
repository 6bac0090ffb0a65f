/** A file that changes while nerve looks for it, on a real disk. Danger: a pipe in its place, whose reader waits for ever. */
import assert from "node:assert/strict";
import { findArtifact } from "../../../src/agents/artifacts.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { readSmallFile } from "../../../src/base/small_file.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

const looks = 100;

async function makePipe(path: string): Promise<void> {
  assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
}

// The look and the opening were two steps: a pipe that came between them held up the host for good.
long.test("an artifact that turns into a pipe and back, again and again, holds nobody up", async () => {
  await inTempDir(async (cwd) => {
    await makePipe(`${cwd}/pipe`);
    let isOver = false, values = 0;
    const swap = async () => {
      while (!isOver) {
        await Deno.writeTextFile(`${cwd}/next`, "{}");
        await Deno.rename(`${cwd}/next`, `${cwd}/out.json`);
        await Deno.link(`${cwd}/pipe`, `${cwd}/next`);
        await Deno.rename(`${cwd}/next`, `${cwd}/out.json`);
      }
    };
    const look = async () => {
      const { signal } = new AbortController();
      for (let at = 0; at < looks; at++) {
        const found = await findArtifact({ cwd, path: "out.json", before: null, clock: systemClock, signal });
        if ("value" in found) values++;
        else assert.match(found.fault, /it is not a regular file|it is not there|it changed while it was read/);
      }
      isOver = true;
    };
    await within(Promise.all([swap(), look()]), "every look to end");
    assert.ok(values > 0 && values < looks, `${values} of ${looks}`);
  });
});

Deno.test("a small file is read at once or not at all: no pipe, no link, no folder, nothing that is larger", async () => {
  await inTempDir(async (cwd) => {
    await makePipe(`${cwd}/pipe`);
    Deno.writeTextFileSync(`${cwd}/file`, "text");
    Deno.writeTextFileSync(`${cwd}/large`, "x".repeat(4_097));
    Deno.symlinkSync(`${cwd}/file`, `${cwd}/link`);
    const found = ["file", "pipe", "link", "large", "none", ".", "file/below"].map((name) =>
      readSmallFile(`${cwd}/${name}`)
    );
    assert.deepEqual(found, ["text", null, null, null, null, null, null]);
  });
});
