/** The daemon of a crash test: `nerve run` in a scratch workspace, as a process that is killed and started again. */
import { messageOf, NerveError } from "../../base/errors.ts";
import { forwardLines } from "../../base/output_lines.ts";
import { markVariable } from "../../base/program_mark.ts";
import { buildSelfArguments, findOwnProgram } from "../../base/self_exec.ts";
import { type Clock, delay } from "../../base/time.ts";
import { type WorkspacePaths, workspaceVariable } from "../../config/workspace.ts";
import { ControlClient } from "../../control/client/client.ts";

export const pollMs = 10;
const startMaxMs = 120_000, asksMax = 10;

export class ScratchDaemon {
  readonly #client: ControlClient;
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<unknown>;
  #over = false;
  #lastLine = "";

  private constructor(paths: WorkspacePaths) {
    this.#child = new Deno.Command(findOwnProgram(), {
      args: [...buildSelfArguments(), "run", "--no-watch", "--workspace", paths.root],
      cwd: paths.root,
      env: { [markVariable]: "", [workspaceVariable]: "" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const read = forwardLines(this.#child.stderr, (line) => void (this.#lastLine = line));
    this.#ended = Promise.all([this.#child.status.then(() => this.#over = true), read]);
    this.#client = new ControlClient(paths.socket);
  }

  /** Asks again when the daemon answers late on a busy machine: every request here must be safe to repeat. */
  async ask<T>(work: (client: ControlClient) => Promise<T>): Promise<T> {
    for (let left = asksMax;; left--) {
      try {
        return await work(this.#client);
      } catch (thrown) {
        if (!(thrown instanceof NerveError) || thrown.code !== "DAEMON_ANSWER" || left <= 1) throw thrown;
      }
    }
  }

  /** Resolves when the daemon answers. Throws DAEMON_MISSING when it ends instead, or does not answer in time. */
  static async start(paths: WorkspacePaths, clock: Clock): Promise<ScratchDaemon> {
    const daemon = new ScratchDaemon(paths), latest = clock.monotonic() + startMaxMs;
    while (!await daemon.#answers()) {
      if (daemon.#over || clock.monotonic() > latest) {
        await daemon.kill();
        throw new NerveError("DAEMON_MISSING", `the daemon of the crash test did not start: ${daemon.#lastLine}`, {
          hint: "nerve validate",
        });
      }
      await delay(clock, pollMs);
    }
    return daemon;
  }

  /** kill -9; resolves when the daemon is gone. */
  async kill(): Promise<void> {
    if (!this.#over) killNow(this.#child.pid);
    await this.#ended;
    this.#client[Symbol.dispose]();
  }

  /** kill -9 of the process that works on the runs of a workflow; it restarts without a wait. */
  async killProcess(workflow: string, clock: Clock): Promise<void> {
    const pid = await this.#pidOf(workflow);
    if (pid === null) return;
    killNow(pid);
    while (await this.#pidOf(workflow) === pid) await delay(clock, pollMs);
    // Many deaths in a row are the purpose of a crash test.
    await this.ask((client) => client.resetWorkflow(workflow));
  }

  async #pidOf(workflow: string): Promise<number | null> {
    const { units } = await this.ask((client) => client.health());
    return units.find(({ kind, name }) => kind === "workflow" && name === workflow)?.pid ?? null;
  }

  /** Whether the daemon that answers is this one. */
  async #answers(): Promise<boolean> {
    try {
      return (await this.#client.health()).pid === this.#child.pid;
    } catch (thrown) {
      if (thrown instanceof NerveError) return false;
      throw new Error(`the daemon of the crash test: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

function killNow(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (thrown) {
    // The process was already ending.
    if (!(thrown instanceof Deno.errors.NotFound || String(thrown).includes("ESRCH"))) throw thrown;
  }
}
