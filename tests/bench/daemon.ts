/**
 * A daemon as `nerve start` starts it, supervisor and kernel, for benchmarks that measure its processes. It is a built
 * nerve, which is what users have; the kernel of a clone also holds the source text of all modules.
 */
import assert from "node:assert/strict";
import { readProcessStat } from "../../src/base/process_id.ts";
import type { WorkspacePaths } from "../../src/config/workspace.ts";
import { ControlClient } from "../../src/control/client/client.ts";
import { readState } from "../../src/daemon/state_file.ts";
import { privateMiBOrNone } from "./memory.ts";
import { command, type Nerve } from "./nerve.ts";

/** A tick of /proc/PID/stat. */
const tickMs = 10;

export class BackgroundDaemon implements AsyncDisposable {
  readonly client: ControlClient;
  readonly #paths: WorkspacePaths;
  readonly #nerve: Nerve;

  private constructor(paths: WorkspacePaths, nerve: Nerve) {
    this.#paths = paths;
    this.#nerve = nerve;
    this.client = new ControlClient(paths.socket);
  }

  static async start(paths: WorkspacePaths, nerve: Nerve): Promise<BackgroundDaemon> {
    await done(nerve, "start", paths);
    return new BackgroundDaemon(paths, nerve);
  }

  get supervisorPid(): number {
    const state = readState(this.#paths);
    assert(state !== null, "a supervisor that runs tells its state");
    return state.supervisor.pid;
  }

  /** The supervisor, the kernel, and the process of each unit that has one. */
  async processes(): Promise<number[]> {
    const { pid, units } = await this.client.health();
    return [this.supervisorPid, pid, ...units.flatMap((unit) => unit.pid ?? [])];
  }

  /** Processor time of all of them so far. */
  async cpuMs(): Promise<number> {
    const ticks = (await this.processes()).map((pid) => readProcessStat(pid)?.cpuTicks ?? 0);
    return ticks.reduce((sum, each) => sum + each, 0) * tickMs;
  }

  /** Private memory of all of them. */
  async privateMiB(): Promise<number> {
    return (await this.processes()).reduce((sum, pid) => sum + privateMiBOrNone(pid), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]();
    await done(this.#nerve, "stop", this.#paths);
  }
}

async function done(nerve: Nerve, name: string, { root }: WorkspacePaths): Promise<void> {
  const { success, stdout } = await command(nerve, [name], root).output();
  assert(success, `nerve ${name} failed: ${new TextDecoder().decode(stdout)}`);
}
