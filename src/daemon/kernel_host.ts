/**
 * A kernel that is somebody's process, with the control API on its socket, from `ready` to its end.
 * Used by `nerve run` (in a terminal, or under systemd) and by kernel_process.ts (under our own supervisor).
 * I1. The API is up only while the kernel is: it starts after it and stops before it, under the workspace's lock.
 * I2. The first interrupt stops in order, the second one at once.
 * I3. A kernel whose workspace, or log, was taken away stops: it would write into files that nobody can open any more.
 *     For a workspace nobody waits: what was under way in it has lost its data. Whoever hosts may start anew in its place.
 */
import { messageOf } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import { version } from "../base/version.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelPort } from "../control/kernel_port.ts";
import type { ControlServer } from "../control/unix_server.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { watchWorkspace, type WorkspaceLoss } from "./workspace_watch.ts";

/** What hosting needs of a kernel; `createKernel` returns one. */
export interface HostedKernel {
  readonly ready: Promise<void>;
  /** Only while it runs. */
  readonly api: KernelPort;
  events(): AsyncIterable<KernelEvent>;
  stop(): Promise<void>;
  /** As `stop`, without time for what is under way: it resolves when all of it has ended and everything is closed. */
  abandon(): Promise<void>;
  stopAtOnce(): void;
}

const logGone = "data/logs.db was removed or replaced while the daemon runs: what it still records is lost; it stops";

/** Why a stop begins. */
export type StopCause = "interrupt" | "request" | WorkspaceLoss;

export interface HostOptions {
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  /** Calls `fire` at each SIGINT or SIGTERM, until it is undone. */
  onInterrupt(fire: () => void): CancelTimer;
  /** Calls `fire` at each SIGHUP, until it is undone: the kernel then follows what is on disk. Default: nobody asks. */
  onHangup?(fire: () => void): CancelTimer;
  /** Hears of everything that happens, one event at a time. */
  onEvent(event: KernelEvent): void | Promise<void>;
  /** The API answers. */
  onServing?(): void;
  onStopping?(cause: StopCause): void;
  /** Gets what went wrong outside of the kernel: in the API, with the watch over the workspace. */
  report(what: string): void;
}

export interface KernelHost {
  /** Begins the stop in order; any further call does nothing. */
  stop(cause: StopCause): void;
  /** How it ended. Rejects when the socket could not be served or the stop failed; the kernel is stopped then too. */
  readonly end: Promise<KernelHostEnd>;
}

/** `gone`: the workspace was taken away, and nothing of the kernel is left. */
export type KernelHostEnd = "in order" | "at once" | "gone";

/** Hosts a kernel that is ready. `events` must have been subscribed to before it was. */
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
  const server = startServer(kernel, options, () => stop("request"));
  const guard = watchWorkspace(options.paths, (what) => {
    if (what === "log gone" && !stopping) options.report(logGone);
    stop(what);
  }, options.report);
  const forget = options.onInterrupt(() => {
    if (!stopping) return stop("interrupt");
    kernel.stopAtOnce();
    atOnce.resolve("at once");
  });
  const forgetHangup = options.onHangup?.(() => {
    if (!stopping) kernel.api.reload().catch((thrown) => options.report(`the reload failed: ${messageOf(thrown)}`));
  });
  const told = tell(events, options).then(() => inOrder);
  const served = server.then(() => {
    options.onServing?.();
    return told;
  });
  const end = Promise.race([served, atOnce.promise, failed.promise]).catch(async (thrown: unknown) => {
    // Nothing of ours may stay behind.
    await kernel.stop();
    throw thrown;
  }).finally(() => {
    guard.close();
    forget();
    forgetHangup?.();
  });
  return { stop, end };
}

async function tell(events: AsyncIterable<KernelEvent>, { onEvent }: HostOptions): Promise<void> {
  for await (const event of events) await onEvent(event);
}

async function startServer(kernel: HostedKernel, options: HostOptions, stop: () => void): Promise<ControlServer> {
  const [{ createApp }, { serveControl }] = await Promise.all([
    import("../control/app.ts"),
    import("../control/unix_server.ts"),
  ]);
  const report = (thrown: unknown) => options.report(`control API: ${messageOf(thrown)}`);
  const app = createApp(kernel.api, { version, stop, report });
  return serveControl(app, { path: options.paths.socket, clock: options.clock, report });
}
