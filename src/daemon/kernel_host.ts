/**
 * Runs a ready kernel in this process, with the control API on its socket, until it ends.
 * Used by `nerve run` (in a terminal, or under systemd) and by kernel_process.ts (under our own supervisor).
 * I1. The API runs only while the kernel does: it starts after the kernel and stops before it, under the workspace's
 *     lock.
 * I2. The first interrupt stops in order, the second one at once.
 * I3. A kernel whose workspace or log was removed stops: it would write to files that can no longer be opened. If the
 *     workspace was removed, the kernel does not wait for work in progress, since its data is lost. The caller may then
 *     start a new kernel in the same place.
 */
import { messageOf } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelPort } from "../control/kernel_port.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { openControlSocket } from "./control_socket.ts";
import { watchWorkspace, type WorkspaceLoss } from "./workspace_watch.ts";

/** What this file needs from a kernel. */
export interface HostedKernel {
  readonly ready: Promise<void>;
  /** Usable only while the kernel runs. */
  readonly api: KernelPort;
  events(): AsyncIterable<KernelEvent>;
  stop(): Promise<void>;
  /** Like `stop`, but gives work in progress no time. Resolves when all of it has ended and everything is closed. */
  abandon(): Promise<void>;
  stopAtOnce(): void;
}

const logGone = "data/logs.db was removed or replaced while the daemon runs, so further records are lost; stopping";

/** Why a stop was started. */
export type StopCause = "interrupt" | "request" | WorkspaceLoss;

export interface HostOptions {
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** Calls `fire` at each SIGINT or SIGTERM until cancelled. */
  onInterrupt(fire: () => void): CancelTimer;
  /** Calls `fire` at each SIGHUP until cancelled; the kernel then reloads. Default: no reload by signal. */
  onHangup?(fire: () => void): CancelTimer;
  /** Called with every kernel event, one at a time. */
  onEvent(event: KernelEvent): void | Promise<void>;
  /** Called when the API answers. */
  onServing?(): void;
  onStopping?(cause: StopCause): void;
  /** Called with problems outside the kernel: in the API, or with the watch on the workspace. */
  report(what: string): void;
}

export interface KernelHost {
  /** Starts an orderly stop; further calls do nothing. */
  stop(cause: StopCause): void;
  /**
   * How the kernel ended. Rejects when the API could not be served or the stop failed; the kernel is then stopped, too.
   */
  readonly end: Promise<KernelHostEnd>;
}

/** `gone`: the workspace was removed, and the kernel has ended. */
export type KernelHostEnd = "in order" | "at once" | "gone";

/** Hosts a kernel that is ready. `events` must have been subscribed to before it became ready. */
export function hostKernel(
  kernel: HostedKernel,
  events: AsyncIterable<KernelEvent>,
  options: HostOptions,
): KernelHost {
  const atOnce = Promise.withResolvers<"at once">(), failed = Promise.withResolvers<never>();
  let stopping = false, inOrder: KernelHostEnd = "in order";
  const stop = (cause: StopCause) => {
    if (stopping) return;
    stopping = true;
    if (cause === "workspace gone") inOrder = "gone";
    options.onStopping?.(cause);
    (async () => {
      await (await server).stop();
      await (cause === "workspace gone" ? kernel.abandon() : kernel.stop());
    })().catch(failed.reject);
  };
  const { paths, clock } = options, report = (what: string) => options.report(what);
  const server = openControlSocket(kernel.api, { paths, clock, stop: () => stop("request"), report });
  const watch = watchWorkspace(options.paths, options.clock, (loss) => {
    if (loss === "log gone" && !stopping) options.report(logGone);
    stop(loss);
  });
  const cancelInterrupt = options.onInterrupt(() => {
    if (!stopping) return stop("interrupt");
    kernel.stopAtOnce();
    atOnce.resolve("at once");
  });
  const cancelHangup = options.onHangup?.(() => {
    if (!stopping) kernel.api.reload().catch((thrown) => options.report(`the reload failed: ${messageOf(thrown)}`));
  });
  const eventsEnd = passEvents(events, options).then(() => inOrder);
  const served = server.then(() => {
    options.onServing?.();
    return eventsEnd;
  });
  const end = Promise.race([served, atOnce.promise, failed.promise]).catch(async (thrown: unknown) => {
    // Leaves no process behind.
    await kernel.stop();
    throw thrown;
  }).finally(() => {
    watch.close();
    cancelInterrupt();
    cancelHangup?.();
  });
  return { stop, end };
}

async function passEvents(events: AsyncIterable<KernelEvent>, { onEvent }: HostOptions): Promise<void> {
  for await (const event of events) await onEvent(event);
}
