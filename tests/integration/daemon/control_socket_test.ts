/** The control socket while the daemon runs: commands find it, whatever happens to its folder. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { socketCheckMs } from "../../../src/base/limits.ts";
import { type WorkspacePaths, workspacePaths } from "../../../src/config/workspace.ts";
import { makeRuntimeFolder } from "../../../src/config/runtime_folder.ts";
import { openControlSocket } from "../../../src/daemon/control_socket.ts";
import { socketAnswers } from "../../../src/cli/daemon/ask_daemon.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeView } from "../../support/fake_view.ts";
import { join } from "../../support/paths.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

interface Served {
  readonly paths: WorkspacePaths;
  readonly reports: string[];
  /** Lets the socket be looked at once. */
  look(): Promise<void>;
}

/** Serves the API of a workspace whose path is too long for a socket, or is not. */
async function serving(long: boolean, test: (served: Served) => Promise<void>): Promise<void> {
  await inTempDir(async (folder) => {
    const root = join(folder, long ? "x".repeat(100) : "ws"), runtimeDir = join(folder, "run");
    for (const each of [root, runtimeDir]) Deno.mkdirSync(each);
    const paths = workspacePaths(root, { uid: Deno.uid() ?? 0, runtimeDir, tempDir: "/tmp" });
    Deno.writeTextFileSync(paths.lockFile, "");
    makeRuntimeFolder(paths);
    const clock = new FakeClock(), reports: string[] = [];
    const server = await openControlSocket(new FakeView(), {
      paths,
      clock,
      stop: () => {},
      report: (what) => void reports.push(what),
    });
    const look = async () => {
      const before = reports.length;
      await clock.tick(socketCheckMs);
      for (let turn = 0; turn < 1_000 && reports.length === before; turn++) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    try {
      await test({ paths, reports, look });
    } finally {
      await server.stop();
    }
    assert.equal(await socketAnswers(paths), false, "it still answers");
  });
}

for (const long of [false, true]) {
  Deno.test(`a control socket that was removed is made again (${long ? "runtime folder" : "workspace"})`, async () => {
    await serving(long, async ({ paths, reports, look }) => {
      assert.equal(await socketAnswers(paths), true);
      Deno.removeSync(paths.socket);
      await look();
      assert.equal(await socketAnswers(paths), true);
      assert.deepEqual(reports, ["the control socket was removed; it was made again"]);
      assert.equal((Deno.statSync(paths.socket).mode ?? 0) & 0o777, 0o600);
    });
  });
}

Deno.test("a runtime folder that is gone is told once, and the socket is there when it is back", async () => {
  await serving(true, async ({ paths, reports, look }) => {
    const base = join(paths.runtimeFolder, "../..");
    Deno.removeSync(base, { recursive: true });
    await look();
    await look();
    assert.equal(reports.length, 1);
    assert.match(
      reports[0] ?? "",
      /cannot be made again yet, so commands find no daemon: FOLDER_UNSAFE: cannot make the folder/,
    );
    Deno.mkdirSync(base);
    await look();
    assert.equal(await socketAnswers(paths), true);
    assert.equal((Deno.statSync(paths.runtimeFolder).mode ?? 0) & 0o777, 0o700);
  });
});

Deno.test("nothing is made in a workspace that was removed, and nothing of others is replaced", async () => {
  await serving(false, async ({ paths, reports, look }) => {
    Deno.removeSync(paths.socket);
    Deno.writeTextFileSync(paths.socket, "of somebody else");
    await look();
    assert.equal(Deno.readTextFileSync(paths.socket), "of somebody else");
    Deno.removeSync(paths.root, { recursive: true });
    await look();
    assert.deepEqual([reports, [...Deno.readDirSync(join(paths.root, ".."))].map(({ name }) => name)], [[], ["run"]]);
  });
});
