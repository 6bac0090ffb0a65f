/**
 * A kernel inside a program that is not nerve. Used through mod.ts.
 * I1. The workspace's lock records this, so no nerve command ends that program or waits for it to end.
 */
import { basename } from "node:path";
import type { Clock } from "../base/time.ts";
import { systemClock } from "../base/clock.ts";
import type { NerveConfig } from "../config/types.ts";
import { Kernel } from "../kernel/kernel.ts";
import { openControlSocket } from "./control_socket.ts";

export interface KernelOptions {
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /**
   * Watch nerve.yaml, senses/, workflows/ and lib/, and apply changes automatically. Default: false; changes are
   * applied when `api.reload()` is called.
   */
  readonly watch?: boolean;
  /**
   * Serve the control API on the workspace's socket, so that the nerve commands work as with a daemon. `nerve stop`
   * then stops the kernel, and `kernel.stopped` resolves; the program continues. Default: false.
   */
  readonly control?: boolean;
  /** The name of this program in the output of commands. Default: the name of its main file. */
  readonly program?: string;
}

/**
 * Starts a kernel for the workspace at `root` with a validated configuration. It does not throw: `ready` rejects with
 * NerveError DAEMON_RUNNING if another kernel runs in the workspace, and with the error of the store or the socket if
 * it cannot be opened.
 * @example
 * ```ts
 * const kernel = createKernel(config, "/srv/watch", { control: true });
 * await kernel.ready;
 * for await (const event of kernel.events()) console.log(event.kind);
 * ```
 */
export function createKernel(config: NerveConfig, root: string, options: KernelOptions = {}): Kernel {
  const { clock = systemClock, watch = false, control = false, program = basename(Deno.mainModule) } = options;
  return new Kernel(config, root, {
    holder: { kind: "embedded", program },
    clock,
    watch,
    ...control && { beside: (kernel) => serve(kernel, clock) },
  });
}

function serve(kernel: Kernel, clock: Clock): ReturnType<typeof openControlSocket> {
  return openControlSocket(kernel.api, {
    paths: kernel.paths,
    clock,
    stop: () => void kernel.stop().catch((thrown) => kernel.reportProblem(`the stop failed: ${thrown}`)),
    report: (what) => kernel.reportProblem(what),
  });
}
