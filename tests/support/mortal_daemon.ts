/** A real daemon, `nerve run` in a process of its own, that a test may kill. */
import { systemClock } from "../../src/base/clock.ts";
import { NerveError } from "../../src/base/errors.ts";
import { delay } from "../../src/base/time.ts";
import type { WorkspacePaths } from "../../src/config/workspace.ts";
import { ControlClient } from "../../src/control/client/client.ts";
import { nerveArguments } from "./nerve_program.ts";
import { within } from "./workspace_fixture.ts";

export class Daemon {
  readonly client: ControlClient;
  readonly pid: number;
  /** The end of its output, for the message of a failure. */
  output = "";
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  #closed = false;

  private constructor(paths: WorkspacePaths) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [...nerveArguments, "run", "--workspace", paths.root],
      cwd: paths.root,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.client = new ControlClient(paths.socket);
    this.#read = this.#listen();
  }

  /** Starts one and waits until it answers. */
  static async start(paths: WorkspacePaths): Promise<Daemon> {
    const daemon = new Daemon(paths);
    let over = false;
    daemon.#child.status.then(() => over = true);
    const answers = async () => {
      while (!over && !await daemon.#answers()) await delay(systemClock, 10);
      await (over ? daemon.#read : null);
      if (over) throw new Error(`the daemon has ended: ${daemon.output}`);
    };
    await within(answers(), "the daemon to answer", () => daemon.output);
    return daemon;
  }

  /** kill -9, if it still runs; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#closed) return;
    try {
      this.#child.kill("SIGKILL");
    } catch (thrown) {
      // It has ended already.
      if (!(thrown instanceof TypeError)) throw thrown;
    }
    await this.#gone();
  }

  /** Stops it in order. */
  async stop(): Promise<void> {
    await this.client.stop();
    await this.#gone();
  }

  async #gone(): Promise<void> {
    this.#closed = true;
    await within(Promise.all([this.#child.status, this.#read]), "the daemon to end", () => this.output);
    this.client[Symbol.dispose]();
  }

  /** Whether the daemon that answers is this one: children of the last one may still hold its socket's name. */
  async #answers(): Promise<boolean> {
    try {
      return (await this.client.health()).pid === this.pid;
    } catch (thrown) {
      if (thrown instanceof NerveError) return false;
      throw thrown;
    }
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#child.stderr) {
      this.output = (this.output + decoder.decode(chunk, { stream: true })).slice(-4_000);
    }
  }
}
