/**
 * A kernel on a real workspace with the control API on its socket, and the command line in this process: the output and
 * the exit code of a command while a daemon runs. See workspace_fixture.ts.
 */
import { systemClock } from "../../src/base/clock.ts";
import { runCli } from "../../src/cli/app.ts";
import { createApp } from "../../src/control/app.ts";
import { type ControlServer, serveControl } from "../../src/control/unix_server.ts";
import { Listener } from "../../src/daemon/listener.ts";
import { CapturedIo } from "./captured_io.ts";
import { startWorkspace, type WorkspaceFixture, type WorkspaceOptions } from "./workspace_fixture.ts";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class ServedWorkspace implements AsyncDisposable {
  readonly workspace: WorkspaceFixture;
  /** Errors that the API reported: there should be none. */
  readonly reported: unknown[] = [];
  #server: ControlServer | null = null;
  #listener: Listener | null = null;

  constructor(workspace: WorkspaceFixture) {
    this.workspace = workspace;
  }

  get socket(): string {
    return this.workspace.paths.socket;
  }

  async serve(): Promise<void> {
    const report = (thrown: unknown) => void this.reported.push(thrown);
    const app = createApp(this.workspace.kernel.api, { version: "0", stop: () => {}, report });
    this.#server = await serveControl(app, { path: this.socket, clock: systemClock, report });
    this.#listener = new Listener(this.workspace.kernel.api, { clock: systemClock, report, stop: () => {} });
    await this.#listener.open();
  }

  /** Ends the API and the kernel, as a stopping daemon does. */
  async stop(): Promise<void> {
    await this.#listener?.stop();
    await this.#server?.stop();
    this.#server = null;
    await this.workspace.stop();
  }

  io(): CapturedIo {
    return new CapturedIo({ cwd: this.workspace.root });
  }

  async nerve(...args: string[]): Promise<CommandResult> {
    const io = this.io(), code = await runCli(args, io);
    return { code, out: io.out, err: io.err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.workspace[Symbol.asyncDispose]();
  }
}

export async function serveWorkspace(options: WorkspaceOptions): Promise<ServedWorkspace> {
  const served = new ServedWorkspace(await startWorkspace(options));
  await served.serve();
  return served;
}
