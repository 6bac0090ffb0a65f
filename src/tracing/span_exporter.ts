/**
 * Sends spans to a receiver of OTLP over HTTP. Created by tracer.ts.
 * I1. No caller waits: spans wait in a bounded queue; those that do not fit, or are refused, are dropped and counted.
 * I2. A receiver that is away is retried at growing intervals, and reported once until it answers.
 */
import { messageOf } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import {
  spansAnswerMs,
  spansLastMs,
  spansRetryMaxMs,
  spansRetryMs,
  spansSendMs,
  spansSentMax,
  spansWaitingMax,
} from "../base/trace_limits.ts";
import { version } from "../base/version.ts";
import { formatSpans, type TraceSpan } from "./otlp.ts";
import type { TraceOptions } from "./trace_options.ts";

export interface SpanCounters {
  sent: number;
  dropped: number;
}

/** Answers after which the same spans may be sent again. */
const passing: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

export class SpanExporter {
  readonly #options: TraceOptions;
  readonly #clock: Clock;
  readonly #report: (problem: string) => void;
  readonly counters: SpanCounters = { sent: 0, dropped: 0 };
  #waiting: TraceSpan[] = [];
  #cancel: CancelTimer | null = null;
  #sending: Promise<void> = Promise.resolve();
  #isSending = false;
  #retryMs = 0;
  #problem: string | null = null;
  #stopped = false;

  constructor(options: TraceOptions, clock: Clock, report: (problem: string) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#report = report;
  }

  add(span: TraceSpan): void {
    if (this.#stopped || this.#waiting.length >= spansWaitingMax) return void this.counters.dropped++;
    this.#waiting.push(span);
    if (this.#retryMs === 0 && this.#waiting.length === spansSentMax && !this.#isSending) this.#sendSoon(0);
    else if (this.#cancel === null && !this.#isSending) this.#sendSoon(this.#retryMs || spansSendMs);
  }

  /** Sends what waits, if the receiver answers in time; drops the rest. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancel?.();
    const late = Promise.withResolvers<void>(), cancel = this.#clock.after(spansLastMs, () => late.resolve());
    const rest = async () => {
      await this.#sending;
      while (this.#waiting.length > 0 && await this.#send());
    };
    await Promise.race([rest(), late.promise]);
    cancel();
    this.counters.dropped += this.#waiting.length;
    this.#waiting = [];
  }

  #sendSoon(delayMs: number): void {
    this.#cancel?.();
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = null;
      this.#isSending = true;
      this.#sending = this.#send().then((done) => {
        this.#isSending = false;
        if (this.#waiting.length === 0 || this.#stopped) return;
        this.#sendSoon(!done ? this.#retryMs : this.#waiting.length >= spansSentMax ? 0 : spansSendMs);
      });
    });
  }

  /** Sends one request. False: the receiver is away, and its spans stay in the queue. Never rejects. */
  async #send(): Promise<boolean> {
    const spans = this.#waiting.splice(0, spansSentMax);
    try {
      const { ok, status } = await this.#post(formatSpans(spans, this.#options.resource, version));
      if (passing.has(status)) throw new Error(`it answered ${status}`);
      if (ok) this.counters.sent += spans.length;
      else this.counters.dropped += spans.length;
      this.#setProblem(ok ? null : `it refuses them with ${status}`);
      this.#retryMs = 0;
      return true;
    } catch (thrown) {
      const room = Math.max(0, spansWaitingMax - this.#waiting.length);
      this.counters.dropped += Math.max(0, spans.length - room);
      this.#waiting.unshift(...spans.slice(0, room));
      this.#retryMs = Math.min(spansRetryMaxMs, this.#retryMs === 0 ? spansRetryMs : this.#retryMs * 2);
      this.#setProblem(messageOf(thrown));
      return false;
    }
  }

  async #post(body: string): Promise<{ ok: boolean; status: number }> {
    const late = new AbortController(), cancel = this.#clock.after(spansAnswerMs, () => late.abort());
    try {
      const { url, headers } = this.#options;
      const answer = await fetch(url, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body,
        signal: late.signal,
      });
      await answer.body?.cancel();
      return answer;
    } finally {
      cancel();
    }
  }

  #setProblem(problem: string | null): void {
    const isNew = problem !== null && this.#problem === null;
    this.#problem = problem;
    if (!isNew) return;
    // The rest of the address may contain a key.
    const { url } = this.#options, { host } = new URL(url);
    this.#report(`traces cannot be sent to ${host}: ${problem.replaceAll(url, host)}`);
  }
}
