/**
 * Connects traces to signals, computes and runs if variables of the daemon name a receiver; otherwise it does nothing.
 * Created by wiring.ts. Like all output of the kernel, traces are masked.
 */
import type { Subscription } from "../base/broadcast.ts";
import type { Clock } from "../base/time.ts";
import type { LogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import { readTraceOptions } from "../tracing/trace_options.ts";
import { type TracedCompute, Tracer } from "../tracing/tracer.ts";
import type { CurrentSecrets } from "./current_secrets.ts";
import type { LogFeed } from "./log_feed.ts";

export interface TraceWiringPorts {
  readonly clock: Clock;
  readonly secrets: CurrentSecrets;
  reportProblem(message: string): void;
}

export class TraceWiring {
  readonly #secrets: CurrentSecrets;
  readonly #tracer: Tracer | null;
  #rows: Subscription<LogRow> | null = null;

  constructor({ clock, secrets, reportProblem }: TraceWiringPorts) {
    const options = readTraceOptions((name) => Deno.env.get(name));
    this.#secrets = secrets;
    this.#tracer = options === null ? null : new Tracer(options, clock, reportProblem);
  }

  /** Rows dropped because a follower's queue is full are only missing from the traces. */
  async follow(feed: LogFeed): Promise<void> {
    if (this.#tracer === null) return;
    this.#rows = feed.follow();
    for await (const row of this.#rows) this.#tracer.onRow(row);
  }

  /** Sends what waits, within a short time. */
  async stop(): Promise<void> {
    this.#rows?.close();
    await this.#tracer?.stop();
  }

  onComputed(compute: TracedCompute): void {
    if (this.#tracer !== null) this.#tracer.onComputed(this.#secrets.mask(compute));
  }

  onRun(run: Run): void {
    if (this.#tracer !== null && run.endedAt !== null) this.#tracer.onRun(this.#secrets.mask(run));
  }

  /** The counters that `Health` shows. */
  counters(): Record<string, number> {
    if (this.#tracer === null) return {};
    const { sent, dropped } = this.#tracer.counters;
    return { spans_sent: sent, spans_dropped: dropped };
  }
}
