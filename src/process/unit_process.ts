/**
 * One process of a group or workflow, from start to end: connects, sends messages, watches its heartbeat, and reports
 * why it ended. Created by unit_supervisor.ts; the other side is sandbox/shim.ts.
 * I1. `onEnd` is called exactly once, after the process has exited.
 * I2. Every line is parsed first; the first line that is not a message of the protocol ends the process.
 * I3. Messages sent before it is ready are queued in order; after its end they are dropped.
 */
import { isGoneProcess } from "../base/if_present.ts";
import {
  heartbeatMissesMax,
  heartbeatMs,
  messageContentMaxBytes,
  messageMetaMaxBytes,
  messagesBurstMax,
  messagesPerSecondMax,
  messageUnitBytes,
  outputBytesBurstMax,
  outputBytesPerSecondMax,
  payloadMaxBytes,
  processEndMaxMs,
  processStartMaxMs,
} from "../base/limits.ts";
import type { SweepResult } from "../base/program_sweep.ts";
import { type CancelTimer, type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { LineChannel } from "../protocol/line_channel.ts";
import { type FromProcess, type ProcessSpec, type ToProcess } from "../protocol/message.ts";
import { type EndKind, type ExitStatus, type ProcessEnd, toFailedStart, toProcessEnd } from "./exit_cause.ts";
import { type Launch, launch, type LaunchRequest } from "./launcher.ts";
import { receiveMessages } from "./message_reader.ts";
import { forwardLines } from "./output_lines.ts";
import { markProcess, ProgramEnds } from "./program_ends.ts";

/** Events for the owner of a process. Never called from within one of the owner's own calls. */
export interface ProcessListener {
  onReady(process: UnitProcess): void;
  onMessage(process: UnitProcess, message: FromProcess): void;
  /** One line that user code wrote to stdout or stderr. */
  onOutput(process: UnitProcess, line: string): void;
  /** What its user code left running when a compute or an attempt ended, or when it ended itself: gone, or stuck. */
  onPrograms(process: UnitProcess, swept: SweepResult): void;
  onEnd(process: UnitProcess, end: ProcessEnd): void;
}

type State =
  | { readonly tag: "starting"; readonly queued: ToProcess[] }
  | { readonly tag: "ready"; readonly channel: LineChannel }
  | { readonly tag: "ending"; readonly channel: LineChannel | null }
  | { readonly tag: "exited" };

/** How long to keep reading the output after the process has exited. */
const lastOutputMs = 200;
/** `sendPaced` waits for the process whenever it has sent about this many bytes. */
const pacedBytes = 256 * 1024;
let lastId = 0;

export class UnitProcess {
  readonly id: number = ++lastId;
  readonly spec: ProcessSpec;
  readonly #clock: Clock;
  readonly #listener: ProcessListener;
  readonly #child: Deno.ChildProcess;
  /**
   * How much it may send, in units of `messageUnitBytes`. Each message to it adds the size of an answer: a process with
   * much work may send much.
   */
  readonly #messageBudget: TokenBucket;
  /** Null: it may start no programs. */
  readonly #programs: ProgramEnds | null;
  #state: State = { tag: "starting", queued: [] };
  /** Set when we end the process; otherwise its exit status says why it ended. */
  #end: ProcessEnd | null = null;
  #stderrTail = "";
  #timer: CancelTimer;
  #pings = 0;
  #pongs = 0;
  /** It uses a whole core without work: the next missed heartbeat ends it. */
  #suspect = false;
  /** Resolves when it is ready, or will never be. */
  #wasReady = false;
  readonly #startEnded = Promise.withResolvers<void>();
  /** Resolves when every list for `sendPaced` is sent. */
  #paced: Promise<void> = Promise.resolve();

  /** Starts the process; throws when that is impossible (no executable, no socket folder). */
  constructor(spec: ProcessSpec, request: LaunchRequest, where: Launch, clock: Clock, listener: ProcessListener) {
    this.spec = spec;
    this.#clock = clock;
    this.#listener = listener;
    const mark = markProcess(spec, this.id, where.workspace);
    const onUnreachable = (why: string) => this.kill("no_start", `cannot be reached: ${why}`);
    const { child, shim, worker } = launch(where, request, mark, onUnreachable);
    this.#child = child;
    this.#programs = mark === null ? null : new ProgramEnds(mark, child.pid, (works, swept) => {
      this.#tellSwept(swept);
      for (const work of works) this.send({ t: "programs_ended", work });
    });
    this.#messageBudget = new TokenBucket(clock, messagesPerSecondMax, messagesBurstMax);
    this.#timer = clock.after(processStartMaxMs, () => this.kill("no_start", "did not become ready in time"));
    const bytes = new TokenBucket(clock, outputBytesPerSecondMax, outputBytesBurstMax);
    const pace = (count: number) => this.#delayWhileUsable(bytes.charge(count));
    const output = Promise.all([
      forwardLines(child.stdout, (line) => listener.onOutput(this, line), pace),
      forwardLines(child.stderr, (line) => {
        this.#stderrTail = `${this.#stderrTail}\n${line}`.slice(-2_000);
        listener.onOutput(this, line);
      }, pace),
    ]);
    shim.then((link) => link?.channel.send(JSON.stringify({ t: "init", spec } satisfies ToProcess)));
    const messages = receiveMessages(shim, worker, spec.kind, {
      paceLine: (line) => this.#delayWhileUsable(this.#messageBudget.charge(unitsOf(line.length))),
      onMessage: (message, channel) => this.#onMessage(message, channel),
      onInvalid: (why) => this.kill("protocol", `broke the protocol: ${why}`),
      onClosed: () => this.usable && this.#onClosed(),
    });
    child.status.then(async (status) => {
      if (this.#programs !== null) {
        this.#signalKill();
        this.#tellSwept(await this.#programs.endAll());
      }
      // A program that outlives its parent may hold the pipes open: wait for the last output, but not for long.
      await Promise.race([Promise.all([output, messages]), delay(clock, lastOutputMs)]);
      this.#onExit(status);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** False when it is ending or has exited: it takes no more work. */
  get usable(): boolean {
    return this.#state.tag === "starting" || this.#state.tag === "ready";
  }

  get ready(): boolean {
    return this.#state.tag === "ready";
  }

  send(message: ToProcess): void {
    if (this.#state.tag === "starting") this.#state.queued.push(message);
    else if (this.#state.tag === "ready") {
      this.#messageBudget.refund(unitsOf(answerMaxBytes[message.t] ?? 0));
      this.#state.channel.send(JSON.stringify(message));
    }
  }

  /**
   * Sends messages as fast as the process reads them, so that a long list never waits in memory; lists are sent one
   * after the other. Stops when the process ends. Rejects with what `messages` throws.
   */
  sendPaced(messages: Iterable<ToProcess>): Promise<void> {
    const sent = this.#paced.then(() => this.#sendPaced(messages));
    this.#paced = sent.catch(() => {});
    return sent;
  }

  async #sendPaced(messages: Iterable<ToProcess>): Promise<void> {
    await this.#startEnded.promise;
    let unread = 0;
    for (const message of messages) {
      if (this.#state.tag !== "ready") return;
      const line = JSON.stringify(message), { channel } = this.#state;
      channel.send(line);
      unread += line.length;
      if (unread < pacedBytes) continue;
      await channel.flushed();
      unread = 0;
    }
  }

  /** Lets it close its databases and exit; kills it when that takes too long. */
  stop(message: string): void {
    if (!this.usable) return;
    if (this.#state.tag !== "ready") return this.kill("ended", message);
    this.#end = { kind: "ended", message };
    const { channel } = this.#state;
    channel.send(JSON.stringify({ t: "end" } satisfies ToProcess));
    this.#state = { tag: "ending", channel };
    this.#timer();
    this.#timer = this.#clock.after(processEndMaxMs, () => this.#signalKill());
  }

  /** Call this when it uses a whole core without work: it may be in a loop. */
  markSuspect(): void {
    this.#suspect = true;
  }

  kill(kind: EndKind, message: string): void {
    if (this.#state.tag === "exited") return;
    this.#end ??= { kind, message };
    this.#state = { tag: "ending", channel: this.#state.tag === "ready" ? this.#state.channel : null };
    this.#signalKill();
  }

  #tellSwept(swept: SweepResult): void {
    if (swept.ended.length > 0 || swept.stuck.length > 0 || swept.problem !== null) {
      this.#listener.onPrograms(this, swept);
    }
  }

  /** Kills the process and the programs in its process group (launcher.ts, detached); the others follow at its exit. */
  #signalKill(): void {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch (thrown) {
      // The process group is gone; the exit status has been read or will arrive.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }

  /** It closed its connection, usually because it is exiting: its exit status then says more. */
  #onClosed(): void {
    this.#timer();
    this.#timer = this.#clock.after(
      processEndMaxMs,
      () => this.kill("protocol", "closed its connection but did not exit"),
    );
  }

  #onMessage(message: FromProcess, channel: LineChannel): void {
    switch (message.t) {
      case "ready":
        if (this.#state.tag === "starting") this.#becomeReady(this.#state.queued, channel);
        return;
      case "pong":
        this.#pongs = Math.min(this.#pings, Math.max(this.#pongs, message.n));
        return;
      case "programs_end":
        if (this.#programs === null) return this.kill("protocol", "broke the protocol: it may start no programs");
        return this.#programs.end(message);
      case "fault":
        return this.kill("fault", `ended because of an error: ${message.message.slice(0, 2_000)}`);
      default:
        // Once its end is decided, its messages are ignored, unless it ends on request.
        if (this.#state.tag === "ready" || this.#end?.kind === "ended") this.#listener.onMessage(this, message);
    }
  }

  #becomeReady(queued: readonly ToProcess[], channel: LineChannel): void {
    this.#timer();
    this.#wasReady = true;
    this.#state = { tag: "ready", channel };
    // What it is told first, such as what it may not start, holds for what was queued.
    this.#listener.onReady(this);
    for (const message of queued) this.send(message);
    this.#startEnded.resolve();
    this.#scheduleHeartbeat();
  }

  /** A worker in a loop outside of any compute answers no ping. In a compute, the time limit usually comes first. */
  #scheduleHeartbeat(): void {
    this.#timer = this.#clock.after(heartbeatMs, () => {
      const misses = this.#pings - this.#pongs;
      if (this.#suspect && misses > 0) {
        return this.kill("stuck", "used a whole core outside of any compute and did not answer");
      }
      if (misses >= heartbeatMissesMax) {
        return this.kill("stuck", `did not answer for ${(heartbeatMs * heartbeatMissesMax) / 1000} s`);
      }
      this.send({ t: "ping", n: ++this.#pings });
      this.#scheduleHeartbeat();
    });
  }

  /** Null: no delay. Once it is ending, its last output is not delayed. */
  #delayWhileUsable(ms: number): Promise<void> | null {
    return ms === 0 || !this.usable ? null : delay(this.#clock, ms);
  }

  #onExit(status: ExitStatus): void {
    this.#timer();
    this.#state = { tag: "exited" };
    this.#startEnded.resolve();
    this.#signalKill();
    const end = this.#end ?? toProcessEnd(status, this.#stderrTail);
    this.#listener.onEnd(this, this.#wasReady ? end : toFailedStart(end));
  }
}

/** The longest answer to a message: a compute's value; for `run` and `ack`, the next message of a role. */
const answerMaxBytes: Partial<Record<ToProcess["t"], number>> = {
  compute: payloadMaxBytes,
  run: messageContentMaxBytes + messageMetaMaxBytes,
  ack: messageContentMaxBytes + messageMetaMaxBytes,
};

/** What one line costs of the message budget. */
function unitsOf(bytes: number): number {
  return 1 + Math.floor(bytes / messageUnitBytes);
}
