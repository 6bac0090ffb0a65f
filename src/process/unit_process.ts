/**
 * One process of a group or workflow, from `begin` to its end: connects, sends messages, watches its heartbeat, and
 * reports why it ended. Created by process_pool.ts, and by deploy/ for trials; the other side is sandbox/shim.ts.
 * I1. `onEnd` is called exactly once, after the process has exited, or when it will never start.
 * I2. Every line is parsed first; the first line that is not a message of the protocol ends the process.
 * I3. Messages sent before it is ready are queued in order; after its end they are dropped.
 */
import { isGoneProcess } from "../base/if_present.ts";
import { outputBytesBurstMax, outputBytesPerSecondMax, processEndMaxMs, processStartMaxMs } from "../base/limits.ts";
import type { SweepResult } from "../base/program_sweep.ts";
import { describeSystemError } from "../base/os_error.ts";
import { type CancelTimer, type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { LineChannel } from "../protocol/line_channel.ts";
import { type FromProcess, type ProcessSpec, type ToProcess } from "../protocol/message.ts";
import { type EndKind, type ExitStatus, type ProcessEnd, toFailedStart, toProcessEnd } from "./exit_cause.ts";
import { BusyTime } from "./busy_time.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type Launch, launch, type Launched, type LaunchRequest } from "./launcher.ts";
import { MessageBudget } from "./message_budget.ts";
import { receiveMessages } from "./message_reader.ts";
import { forwardLines } from "../base/output_lines.ts";
import type { ProcessState } from "./process_state.ts";
import { markProcess, ProgramEnds } from "./program_ends.ts";

/** Events for the owner of a process. Never called from within one of the owner's own calls. */
export interface ProcessListener {
  onReady(process: UnitProcess): void;
  onMessage(process: UnitProcess, message: FromProcess): void;
  /** One line that user code wrote to stdout or stderr. */
  onOutput(process: UnitProcess, line: string): void;
  /** Programs that user code left running when a compute, an attempt or the process ended: they are gone, or stuck. */
  onPrograms(process: UnitProcess, swept: SweepResult): void;
  onEnd(process: UnitProcess, end: ProcessEnd): void;
  /** Whether it has unfinished work. */
  isBusy(process: UnitProcess): boolean;
}

/** How long to read the output after its exit; after how many bytes `sendPaced` waits for the process. */
const lastOutputMs = 200, pacedBytes = 256 * 1024;
let lastId = 0;

export class UnitProcess {
  readonly id: number = ++lastId;
  readonly spec: ProcessSpec;
  readonly #clock: Clock;
  readonly #listener: ProcessListener;
  readonly #request: LaunchRequest;
  readonly #where: Launch;
  #child: Deno.ChildProcess | null = null;
  readonly #messageBudget: MessageBudget;
  /** Null: it may start no programs, or has not started. */
  #programs: ProgramEnds | null = null;
  /** Null: it is not confined by Landlock, or has not started. */
  grantWatch: Launched["grantWatch"] = null;
  #state: ProcessState = { tag: "waiting", queued: [] };
  /** Set when nerve ends the process; otherwise its exit status tells why it ended. */
  #end: ProcessEnd | null = null;
  #stderrTail = "";
  #timer: CancelTimer = () => {};
  readonly #heartbeat: Heartbeat;
  readonly #busyTime: BusyTime;
  #wasReady = false;
  /** Resolves when it is ready, or never will be. */
  readonly #startEnded = Promise.withResolvers<void>();
  /** Resolves when every list for `sendPaced` is sent. */
  #paced: Promise<void> = Promise.resolve();

  constructor(spec: ProcessSpec, request: LaunchRequest, where: Launch, clock: Clock, listener: ProcessListener) {
    this.spec = spec;
    this.#request = request;
    this.#where = where;
    this.#clock = clock;
    this.#listener = listener;
    this.#messageBudget = new MessageBudget(clock);
    this.#busyTime = new BusyTime(clock, () => !this.ready || listener.isBusy(this));
    this.#heartbeat = new Heartbeat(clock, {
      sendPing: (n) => this.send({ t: "ping", n }),
      isBusy: () => listener.isBusy(this),
      onStuck: (why) => this.kill("stuck", why),
    });
  }

  /** Starts the process. If that is impossible (no executable, no socket folder), it ends with that reason. */
  begin(): void {
    if (this.#state.tag !== "waiting") return;
    this.#state = { tag: "starting", queued: this.#state.queued };
    const mark = markProcess(this.spec, this.id, this.#where.workspace);
    const onUnreachable = (why: string) => this.kill("no_start", `cannot be reached: ${why}`);
    let launched: Launched;
    try {
      launched = launch(this.#where, this.spec, this.#request, mark, onUnreachable);
    } catch (thrown) {
      return this.kill("no_start", `could not be started: ${describeSystemError(thrown)}`);
    }
    ({ child: this.#child, grantWatch: this.grantWatch } = launched);
    this.#programs = mark === null ? null : new ProgramEnds(mark, launched.child.pid, (works, swept) => {
      this.#tellSwept(swept);
      for (const work of works) this.send({ t: "programs_ended", work });
    });
    this.#timer = this.#clock.after(processStartMaxMs, () => this.kill("no_start", "did not become ready in time"));
    this.#follow(launched);
  }

  /** Reads its output and messages until it has exited. */
  #follow({ child, init, shim, worker }: Launched): void {
    const listener = this.#listener, { spec } = this;
    const bytes = new TokenBucket(this.#clock, outputBytesPerSecondMax, outputBytesBurstMax);
    const budget = this.#messageBudget, begin = () => budget.beginOutput();
    const pace = (count: number) => {
      const ms = bytes.charge(count), wait = this.usable ? budget.paceOutput() : null;
      return wait?.then(() => this.#delayWhileUsable(ms) ?? undefined) ?? this.#delayWhileUsable(ms);
    };
    const output = Promise.all([
      forwardLines(child.stdout, (line) => listener.onOutput(this, line), pace, begin),
      forwardLines(
        child.stderr,
        (line) => {
          this.#stderrTail = `${this.#stderrTail}\n${line}`.slice(-2_000);
          listener.onOutput(this, line);
        },
        pace,
        begin,
      ),
    ]);
    shim.then((link) => link?.channel.send(JSON.stringify(init)));
    const messages = receiveMessages(shim, worker, spec.kind, {
      // The last messages of an ending process are not delayed.
      paceLine: (line) => this.usable ? budget.paceLine(line.length) : null,
      onMessage: (message, channel) => this.#onMessage(message, channel),
      onHandled: () => budget.endLine(),
      onInvalid: (why) => this.kill("protocol", `broke the protocol: ${why}`),
      onClosed: () => this.usable && this.#onClosed(),
    });
    child.status.then(async (status) => {
      if (this.#programs !== null) {
        this.#signalKill();
        this.#tellSwept(await this.#programs.endAll());
      }
      // A program that outlives its parent may hold the pipes open: wait for the last output, but not for long.
      await Promise.race([Promise.all([output, messages]), delay(this.#clock, lastOutputMs)]);
      this.#onExit(status);
    });
  }

  /** Null while it waits for its start. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** False when it is ending or has exited: it takes no more work. */
  get usable(): boolean {
    return this.#state.tag === "waiting" || this.#state.tag === "starting" || this.#state.tag === "ready";
  }

  get ready(): boolean {
    return this.#state.tag === "ready";
  }

  /** How long it has had work so far, in milliseconds. */
  busyMs(): number {
    return this.#busyTime.update();
  }

  send(message: ToProcess): void {
    if (this.#state.tag === "waiting" || this.#state.tag === "starting") this.#state.queued.push(message);
    else if (this.#state.tag === "ready") {
      if (message.t !== "ping") this.#heartbeat.onWork();
      this.#busyTime.onSent(message);
      this.#messageBudget.expectAnswer(message);
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

  /** Lets it close its databases and exit; kills it if that takes too long. */
  stop(message: string): void {
    if (!this.usable) return;
    if (this.#state.tag !== "ready") return this.kill("ended", message);
    this.#end = { kind: "ended", message };
    const { channel } = this.#state;
    channel.send(JSON.stringify({ t: "end" } satisfies ToProcess));
    this.#state = { tag: "ending", channel };
    this.#heartbeat.stop();
    this.#timer = this.#clock.after(processEndMaxMs, () => this.#signalKill());
  }

  /** Call this when it uses a whole core without work: it may be in a loop. */
  markSuspect(): void {
    this.#heartbeat.markSuspect();
  }

  kill(kind: EndKind, message: string): void {
    if (this.#state.tag === "exited") return;
    this.#end ??= { kind, message };
    this.#heartbeat.stop();
    this.#state = { tag: "ending", channel: this.#state.tag === "ready" ? this.#state.channel : null };
    if (this.#child !== null) this.#signalKill();
    // Nothing has started: the owner is notified of this end like any other, after this call.
    else queueMicrotask(() => this.#onExit(neverStarted));
  }

  #tellSwept(swept: SweepResult): void {
    if (swept.ended.length > 0 || swept.stuck.length > 0 || swept.problem !== null) {
      this.#listener.onPrograms(this, swept);
    }
  }

  /** Kills the process and the programs in its process group (launcher.ts, detached); the others follow at its exit. */
  #signalKill(): void {
    if (this.#child === null) return;
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch (thrown) {
      // The process group is gone; the exit status has been read or will arrive.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }

  /** It closed its connection, usually because it is exiting: its exit status then explains more. */
  #onClosed(): void {
    this.#heartbeat.stop();
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
        return this.#heartbeat.onPong(message.n);
      case "programs_end":
        if (this.#programs === null) return this.kill("protocol", "broke the protocol: it may start no programs");
        return this.#programs.end(message);
      case "fault":
        return this.kill("fault", `ended because of an error: ${message.message.slice(0, 2_000)}`);
      default:
        // Once its end is decided, its messages are ignored, unless it ends on request.
        if (this.#state.tag === "ready" || this.#end?.kind === "ended") this.#listener.onMessage(this, message);
        this.#busyTime.onReceived(message);
    }
  }

  #becomeReady(queued: readonly ToProcess[], channel: LineChannel): void {
    this.#timer();
    this.#wasReady = true;
    this.#state = { tag: "ready", channel };
    // Its first messages, such as what it may not start, apply to what was queued.
    this.#listener.onReady(this);
    for (const message of queued) this.send(message);
    this.#startEnded.resolve();
    this.#heartbeat.start();
  }

  /** Null: no delay. The last output of an ending process is not delayed. */
  #delayWhileUsable(ms: number): Promise<void> | null {
    return ms === 0 || !this.usable ? null : delay(this.#clock, ms);
  }

  #onExit(status: ExitStatus): void {
    if (this.#state.tag === "exited") return;
    this.#heartbeat.stop();
    this.#timer();
    this.#state = { tag: "exited" };
    this.#startEnded.resolve();
    this.#signalKill();
    const end = this.#end ?? toProcessEnd(status, this.#stderrTail);
    this.#listener.onEnd(this, this.#wasReady ? end : toFailedStart(end));
  }
}

const neverStarted: ExitStatus = { code: 0, signal: null };
