/**
 * The daemon as its user has it, for tests: real commands as real processes, in a workspace of their own. Processes
 * that a test leaves running are killed when the workspace is disposed of, identified by their start time, never by
 * name.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { isAlive, type ProcessId, readProcessStat } from "../../src/base/process_id.ts";
import { type WorkspacePaths, workspacePaths } from "../../src/config/workspace.ts";
import { findDaemon, findLeftovers, killProcesses, waitUntil } from "../../src/daemon/discovery.ts";
import { nerveArguments } from "./nerve_program.ts";
import { writeWorkspace } from "./temp_workspace.ts";
import { deadlineMs, processesIn } from "./workspace_fixture.ts";

export { deadlineMs };

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A workspace with one sense that runs now and then, and a workflow whose only role takes its time. */
const files = {
  "nerve.yaml": "senses: { ping: {} }\nreflexes: [{ sense: ping, interval: 1h }]\nworkflows: { slow: {} }\n",
  "senses/ping/index.ts": "export const compute = () => ({ pong: true });\n",
  "workflows/slow/index.ts": `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    wait: async ({ start, log }) => {
      log("info", "role begins");
      await new Promise((resolve) => setTimeout(resolve, Number(start.prompt)));
      return { content: "waited", meta: {} };
    },
  },
  moderator: ({ messages }) => messages.length === 0 ? "wait" : END,
});
`,
};

export class DaemonWorkspace implements AsyncDisposable {
  readonly #folder: string;
  readonly paths: WorkspacePaths;
  readonly #seen = new Map<number, ProcessId>();

  private constructor(folder: string, root: string) {
    this.#folder = folder;
    this.paths = workspacePaths(root);
  }

  static async make(more: Readonly<Record<string, string>> = {}): Promise<DaemonWorkspace> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-daemon-" }));
    // One level down, so that the workspace itself can be removed or moved.
    const root = `${folder}/ws`;
    await writeWorkspace(root, { ...files, ...more });
    return new DaemonWorkspace(folder, root);
  }

  get root(): string {
    return this.paths.root;
  }

  get folder(): string {
    return this.#folder;
  }

  /** Runs one command to its end. */
  async nerve(...args: string[]): Promise<Ran> {
    const { code, stdout, stderr } = await this.command(args).output();
    this.#remember();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  }

  /** The command as a process that the test itself controls. */
  command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.Command {
    return new Deno.Command(Deno.execPath(), {
      args: [...nerveArguments, ...args],
      cwd: "/",
      env: { NERVE_WORKSPACE: this.root, NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** `nerve start`, which must succeed. */
  async start(): Promise<{ kernel: number; supervisor: number }> {
    const ran = await this.nerve("start");
    assert.equal(ran.code, 0, ran.err);
    return this.pids();
  }

  /** The pids of a daemon that runs under its supervisor. */
  pids(): { kernel: number; supervisor: number } {
    const { kernel, supervised } = findDaemon(this.paths);
    assert.ok(kernel !== null && supervised !== null, "no supervised daemon runs");
    this.#remember();
    return { kernel: kernel.pid, supervisor: supervised.supervisor.pid };
  }

  // deno-lint-ignore no-explicit-any -- tests look into parts of a document whose shape the command's own file defines
  async status(): Promise<{ code: number; document: any }> {
    const { code, out } = await this.nerve("status", "--json");
    return { code, document: JSON.parse(out) };
  }

  textLog(): string {
    return Deno.readTextFileSync(this.paths.textLog);
  }

  /** Resolves when `reached` holds; fails with `what` and the log when it does not in time. */
  async reached(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
    const done = await waitUntil(systemClock, deadlineMs, reached);
    if (!done) assert.fail(`waited in vain for ${what}; the log:\n${tryRead(this.paths.textLog)}`);
    this.#remember();
  }

  /** Fails unless every process of the daemon that was ever seen is gone, and none works in the workspace. */
  async nothingLeft(): Promise<void> {
    await this.reached(
      "every process to end",
      () => [...this.#seen.values()].every((id) => !isAlive(id)) && processesIn(this.root).length === 0,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#remember();
    const { kernel, supervised } = findDaemon(this.paths);
    if (supervised !== null) killProcesses([supervised.supervisor], "process");
    if (kernel !== null) killProcesses([kernel], "process");
    killProcesses([...this.#seen.values()], "process");
    await waitUntil(systemClock, deadlineMs, () => [...this.#seen.values()].every((id) => !isAlive(id)));
    killProcesses(findLeftovers(this.root), "group");
    await waitUntil(systemClock, deadlineMs, () => processesIn(this.root).length === 0);
    await Deno.remove(this.#folder, { recursive: true });
    await Deno.remove(this.paths.runtimeFolder, { recursive: true }).catch((thrown) => {
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }

  #remember(): void {
    const { kernel, supervised } = findDaemon(this.paths);
    for (const id of [kernel, supervised?.supervisor]) if (id) this.#seen.set(id.pid, id);
    for (const pid of processesIn(this.root)) {
      const stat = readProcessStat(pid);
      if (stat !== null) this.#seen.set(pid, { pid, startTime: stat.startTime });
    }
  }
}

function tryRead(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "(there is none)";
  }
}
