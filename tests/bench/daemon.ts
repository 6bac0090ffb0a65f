/** A daemon as `nerve start` makes it, supervisor and kernel, for benches that measure its processes. */
import assert from "node:assert/strict";
import type { WorkspacePaths } from "../../src/config/workspace.ts";
import { ControlClient } from "../../src/control/client.ts";
import { readState } from "../../src/daemon/state.ts";
import { repository } from "../support/source_files.ts";

export class BackgroundDaemon implements AsyncDisposable {
  readonly client: ControlClient;
  readonly #paths: WorkspacePaths;

  private constructor(paths: WorkspacePaths) {
    this.#paths = paths;
    this.client = new ControlClient(paths.socket);
  }

  static async start(paths: WorkspacePaths): Promise<BackgroundDaemon> {
    await command("start", paths);
    return new BackgroundDaemon(paths);
  }

  get supervisorPid(): number {
    const state = readState(this.#paths);
    assert(state !== null, "a supervisor that runs tells its state");
    return state.supervisor.pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await command("stop", this.#paths);
  }
}

async function command(name: string, { root }: WorkspacePaths): Promise<void> {
  const args = ["run", "-A", "--quiet", "--no-prompt", "--cached-only", `${repository}/src/main.ts`, name];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assert(success, `nerve ${name}: ${text(stdout)}${text(stderr)}`);
}
