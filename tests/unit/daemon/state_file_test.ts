/** The state that the supervisor publishes. It only informs: a wrong or missing file must never stop a command. */
import assert from "node:assert/strict";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { type DaemonState, readState, removeState, stateFilePath, writeState } from "../../../src/daemon/state_file.ts";
import { readLockHolder } from "../../../src/daemon/discovery.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const state: DaemonState = {
  supervisor: { pid: 42, startTime: "7" } as never,
  workspace: "/w",
  state: "running",
  since: 5,
  kernel: 43,
  deaths: 0,
  problem: null,
};

function withState(test: (paths: ReturnType<typeof workspacePaths>) => void): Promise<void> {
  return inTempDir((root) => {
    const paths = workspacePaths(root);
    Deno.mkdirSync(paths.logs, { recursive: true });
    test(paths);
    return Promise.resolve();
  });
}

Deno.test("a state is read back, replaced as a whole, and readable for its owner only", () =>
  withState((paths) => {
    assert.equal(readState(paths), null);
    writeState(paths, state);
    writeState(paths, { ...state, state: "backoff", deaths: 1 });
    assert.deepEqual(readState(paths), { ...state, state: "backoff", deaths: 1 });
    assert.equal((Deno.statSync(stateFilePath(paths)).mode ?? 0) & 0o777, 0o600);
    assert.deepEqual([...Deno.readDirSync(paths.logs)].map(({ name }) => name), ["daemon.json"]);
  }));

Deno.test("a file that this nerve does not understand counts as missing", () =>
  withState((paths) => {
    for (const text of ["", "{", "[]", "null", '{"pid":42}']) {
      Deno.writeTextFileSync(stateFilePath(paths), text);
      assert.equal(readState(paths), null, text);
    }
  }));

Deno.test("a supervisor removes its own state, and keeps that of another one", () =>
  withState((paths) => {
    writeState(paths, state);
    removeState(paths, { pid: 41 } as never);
    assert.notEqual(readState(paths), null);
    removeState(paths, state.supervisor);
    assert.equal(readState(paths), null);
    removeState(paths, state.supervisor);
  }));

// The bug was: `nerve doctor` waited for ever for a pipe in place of the lock or of the state.
Deno.test("a pipe, a link or a folder in the place of the state or the lock is nothing, and is not waited for", () =>
  withState((paths) => {
    const precious = `${paths.root}/precious`, holder = { pid: Deno.pid, startTime: "1" };
    Deno.writeTextFileSync(precious, JSON.stringify({ supervisor: holder }));
    for (const path of [stateFilePath(paths), paths.lockFile]) {
      const kinds: (() => unknown)[] = [
        () => assert.ok(new Deno.Command("mkfifo", { args: [path] }).outputSync().success),
        () => Deno.symlinkSync(precious, path),
        () => Deno.mkdirSync(path),
      ];
      for (const make of kinds) {
        make();
        assert.deepEqual([readState(paths), readLockHolder(paths)], [null, null]);
        Deno.removeSync(path);
      }
    }
  }));
