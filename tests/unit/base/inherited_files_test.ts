import assert from "node:assert/strict";
import { createServer } from "node:http";
import { keepFilesFromPrograms } from "../../../src/base/inherited_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

/** The sockets that a program inherits when this process starts it now. */
async function listSockets(): Promise<string[]> {
  const { stdout } = await new Deno.Command("ls", { args: ["-l", "/proc/self/fd"] }).output();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line.includes("socket:"));
}

Deno.test("a program does not inherit a listener: it would answer in the place of the daemon", async () => {
  await inTempDir(async (folder) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ path: `${folder}/s` }, resolve));
    try {
      // Deno 2.9.6 leaves it open: when this fails, check whether keepFilesFromPrograms is still needed.
      assert.equal((await listSockets()).length, 1);
      assert.equal(keepFilesFromPrograms(), true);
      assert.deepEqual(await listSockets(), []);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
