/**
 * Serves the control API of a kernel on the workspace's socket, where every command finds it. Used by kernel_host.ts and
 * embedded_kernel.ts.
 */
import { messageOf } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import { version } from "../base/version.ts";
import { linkSocket } from "../config/runtime_folder.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelPort } from "../control/kernel_port.ts";
import type { ControlServer } from "../control/unix_server.ts";

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
  const report = (thrown: unknown) => options.report(`control API: ${messageOf(thrown)}`);
  const app = createApp(api, { version, stop: options.stop, report });
  const { paths, clock } = options, server = await serveControl(app, { path: paths.socket, clock, report });
  let unlink = () => {};
  try {
    unlink = linkSocket(paths);
  } catch (thrown) {
    options.report(`there is no link to the control socket in the workspace: ${messageOf(thrown)}`);
  }
  return {
    path: server.path,
    async stop() {
      try {
        unlink();
      } finally {
        await server.stop();
      }
    },
  };
}
