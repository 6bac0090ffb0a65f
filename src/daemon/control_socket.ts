/**
 * Serves a kernel's control API on the workspace's socket, where every command finds it, and opens the listener if
 * nerve.yaml configures one. Used by kernel_host.ts and embedded_kernel.ts.
 * I1. While the kernel runs, the socket exists: if it is removed, alone or with the user's runtime directory at logout,
 *     it is created again. Anything that someone else put in its place is left alone.
 * I2. It creates no folder in the workspace: a workspace that was removed stays removed (workspace_watch.ts).
 */
import { dirname } from "node:path";
import { messageOf } from "../base/errors.ts";
import { identifyFile } from "../base/file_identity.ts";
import { socketCheckMs } from "../base/limits.ts";
import { describeSystemError } from "../base/os_error.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { version } from "../base/version.ts";
import { linkSocket, makeRuntimeFolder } from "../config/runtime_folder.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelPort } from "../control/kernel_port.ts";
import type { ControlServer } from "../control/unix_server.ts";
import { Listener } from "./listener.ts";

export interface ControlSocketOptions {
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** Called when a client asks for a stop. */
  stop(): void;
  /** Called with problems of the API. */
  report(what: string): void;
}

/** Resolves when the API answers; rejects when its socket cannot be bound. */
export async function openControlSocket(api: KernelPort, options: ControlSocketOptions): Promise<ControlServer> {
  const [{ createApp }, { serveControl }] = await Promise.all([
    import("../control/app.ts"),
    import("../control/unix_server.ts"),
  ]);
  const { paths, clock } = options;
  const report = (thrown: unknown) => options.report(`control API: ${messageOf(thrown)}`);
  const app = createApp(api, { version, stop: options.stop, report });
  const socket = new ControlSocket(() => serveControl(app, { path: paths.socket, clock, report }), options);
  const listener = new Listener(api, options);
  await socket.open();
  await listener.open();
  const stop = async () => void await Promise.all([listener.stop(), socket.stop()]);
  return { path: paths.socket, stop };
}

class ControlSocket {
  readonly #serve: () => Promise<ControlServer>;
  readonly #options: ControlSocketOptions;
  /** The last server listens; the others still answer their clients. */
  readonly #servers: ControlServer[] = [];
  #unlink: () => void = () => {};
  #cancel: CancelTimer = () => {};
  #checking: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Why the socket could not be created again; null while it exists. */
  #problem: string | null = null;

  constructor(serve: () => Promise<ControlServer>, options: ControlSocketOptions) {
    this.#serve = serve;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { paths, clock, report } = this.#options;
    this.#servers.push(await this.#serve());
    try {
      this.#unlink = linkSocket(paths);
    } catch (thrown) {
      report(`there is no link to the control socket in the workspace: ${messageOf(thrown)}`);
    }
    const check = () => {
      this.#checking = this.#mend().finally(() => {
        if (!this.#stopped) this.#cancel = clock.after(socketCheckMs, check);
      });
    };
    this.#cancel = clock.after(socketCheckMs, check);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#checking;
    try {
      this.#unlink();
    } finally {
      await Promise.all(this.#servers.map((server) => server.stop()));
    }
  }

  /** Never rejects. */
  async #mend(): Promise<void> {
    const { paths, report } = this.#options;
    try {
      if (identifyFile(paths.socket) !== null || identifyFile(paths.lockFile) === null) return;
      if (dirname(paths.socket) === paths.runtimeFolder) makeRuntimeFolder(paths);
      this.#servers.push(await this.#serve());
      this.#problem = null;
      report("the control socket was removed; it was made again");
    } catch (thrown) {
      const problem = describeSystemError(thrown);
      if (problem !== this.#problem) {
        report(`the control socket was removed, and cannot be made again yet, so commands find no daemon: ${problem}`);
      }
      this.#problem = problem;
    }
  }
}
