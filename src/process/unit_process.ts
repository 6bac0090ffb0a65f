/**
 * One process of a group or workflow, from its start to its end: connects, sends, watches its heartbeat, tells why it
 * ended. Created by supervisor.ts; the other side is sandbox/shim.ts.
 * I1. `onEnd` is called exactly once, after the process is gone.
 * I2. What arrives is parsed before anyone sees it; the first line that is no message of the protocol ends the process.
 * I3. Messages sent before it is ready are kept in order; after its end they are dropped.
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
import { type CancelTimer, type Clock, delay } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import type { LineChannel } from "../protocol/line_channel.ts";
import { type FromProcess, type ProcessSpec, type ToProcess } from "../protocol/message.ts";
import { endFromStatus, type EndKind, type ExitStatus, type ProcessEnd } from "./exit_cause.ts";
import { type Launch, launch, type LaunchRequest } from "./launcher.ts";
import { receiveMessages } from "./message_reader.ts";
import { passLines } from "./output_lines.ts";

/** What the owner of a process hears. Calls come from the event loop, never from within a call of the owner. */
export interface ProcessListener {
  onReady(process: UnitProcess): void;
  onMessage(process: UnitProcess, message: FromProcess): void;
  /** One line that user code wrote to stdout or stderr. */
  onOutput(process: UnitProcess, line: string): void;
  onEnd(process: UnitProcess, end: ProcessEnd): void;
}

type State =
  | { readonly tag: "starting"; readonly kept: ToProcess[] }
  | { readonly tag: "ready"; readonly channel: LineChannel }
  | { readonly tag: "ending"; readonly channel: LineChannel | null }
  | { readonly tag: "gone" };

/** How long to read on after the process is gone. */
const lastWordsMs = 200;
let lastId = 0;

export class UnitProcess {
  readonly id: number = ++lastId;
  readonly spec: ProcessSpec;
  readonly #clock: Clock;
  readonly #events: ProcessListener;
  readonly #child: Deno.ChildProcess;
  /**
   * What it may say, in units of `messageUnitBytes`. Each message to it allows an answer: who is asked much may say much.
   */
  readonly #words: TokenBucket;
  #state: State = { tag: "starting", kept: [] };
  /** Set by whoever ends the process; else its exit status tells. */
  #end: ProcessEnd | null = null;
  #stderrTail = "";
  #timer: CancelTimer;
  #pings = 0;
  #pongs = 0;
  /** It burns a core while nothing is asked of it: the next heartbeat that it misses is its last. */
  #suspect = false;

  /** Starts the process; throws when that is impossible (no executable, no socket folder). */
  constructor(spec: ProcessSpec, request: LaunchRequest, where: Launch, clock: Clock, events: ProcessListener) {
    this.spec = spec;
    this.#clock = clock;
    this.#events = events;
    const { child, shim, worker } = launch(where, request);
    this.#child = child;
    this.#words = new TokenBucket(clock, messagesPerSecondMax, messagesBurstMax);
    this.#timer = clock.after(processStartMaxMs, () => this.kill("no_start", "did not get ready in time"));
    const bytes = new TokenBucket(clock, outputBytesPerSecondMax, outputBytesBurstMax);
    const pace = (count: number) => this.#wait(bytes.charge(count));
    const output = Promise.all([
      passLines(child.stdout, (line) => events.onOutput(this, line), pace),
      passLines(child.stderr, (line) => {
        this.#stderrTail = `${this.#stderrTail}\n${line}`.slice(-2_000);
        events.onOutput(this, line);
      }, pace),
    ]);
    shim.then((link) => link?.channel.send(JSON.stringify({ t: "init", spec } satisfies ToProcess)));
    const conversation = receiveMessages(shim, worker, spec.kind, {
      pace: (line) => this.#wait(this.#words.charge(unitsOf(line.length))),
      arrived: (message, channel) => this.#arrived(message, channel),
      broken: (why) => this.kill("protocol", `broke the protocol: ${why}`),
      hungUp: () => this.usable && this.#hungUp(),
    });
    child.status.then(async (status) => {
      // A program that outlived its parent may hold the pipes open: its last words are worth a moment, not more.
      await Promise.race([Promise.all([output, conversation]), delay(clock, lastWordsMs)]);
      this.#gone(status);
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** False once it is ending or gone: it takes no more work. */
  get usable(): boolean {
    return this.#state.tag === "starting" || this.#state.tag === "ready";
  }

  get ready(): boolean {
    return this.#state.tag === "ready";
  }

  send(message: ToProcess): void {
    if (this.#state.tag === "starting") this.#state.kept.push(message);
    else if (this.#state.tag === "ready") {
      this.#words.refund(unitsOf(answerMaxBytes[message.t] ?? 0));
      this.#state.channel.send(JSON.stringify(message));
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
    this.#timer();
    this.#timer = this.#clock.after(processEndMaxMs, () => this.#signalKill());
  }

  /** To be called when it uses a whole core for nothing: a loop outside of any compute. */
  markSuspect(): void {
    this.#suspect = true;
  }

  kill(kind: EndKind, message: string): void {
    if (this.#state.tag === "gone") return;
    this.#end ??= { kind, message };
    this.#state = { tag: "ending", channel: this.#state.tag === "ready" ? this.#state.channel : null };
    this.#signalKill();
  }

  /** Ends the process and whatever programs it started: they share its process group (launcher.ts, detached). */
  #signalKill(): void {
    try {
      Deno.kill(-this.#child.pid, "SIGKILL");
    } catch (thrown) {
      // The group is gone already; its status is on the way or has been read.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }

  /** It closed its connection: as a rule because it is ending, which its exit status tells better. */
  #hungUp(): void {
    this.#timer();
    this.#timer = this.#clock.after(processEndMaxMs, () => this.kill("protocol", "closed its connection and lived on"));
  }

  #arrived(message: FromProcess, channel: LineChannel): void {
    switch (message.t) {
      case "ready":
        if (this.#state.tag === "starting") this.#becomeReady(this.#state.kept, channel);
        return;
      case "pong":
        this.#pongs = Math.min(this.#pings, Math.max(this.#pongs, message.n));
        return;
      case "fault":
        return this.kill("fault", `ended because of an error: ${message.message.slice(0, 2_000)}`);
      default:
        // After its end was decided nothing that it says counts.
        if (this.#state.tag === "ready" || this.#end?.kind === "ended") this.#events.onMessage(this, message);
    }
  }

  #becomeReady(kept: readonly ToProcess[], channel: LineChannel): void {
    this.#timer();
    this.#state = { tag: "ready", channel };
    for (const message of kept) this.send(message);
    this.#beat();
    this.#events.onReady(this);
  }

  /** A worker that is in a loop outside of any compute answers no ping; inside one, its time limit comes first. */
  #beat(): void {
    this.#timer = this.#clock.after(heartbeatMs, () => {
      const misses = this.#pings - this.#pongs;
      if (this.#suspect && misses > 0) {
        return this.kill("stuck", "used a whole core outside of any compute and did not answer");
      }
      if (misses >= heartbeatMissesMax) {
        return this.kill("stuck", `did not answer for ${(heartbeatMs * heartbeatMissesMax) / 1000} s`);
      }
      this.send({ t: "ping", n: ++this.#pings });
      this.#beat();
    });
  }

  /** Null: no wait. Its last words after its end are not worth one. */
  #wait(ms: number): Promise<void> | null {
    return ms === 0 || !this.usable ? null : delay(this.#clock, ms);
  }

  #gone(status: ExitStatus): void {
    this.#timer();
    this.#state = { tag: "gone" };
    this.#signalKill();
    this.#events.onEnd(this, this.#end ?? endFromStatus(status, this.#stderrTail));
  }
}

/** The longest answer to what asks for a long one: a compute's value; a role's message, which the last one's ack asks for. */
const answerMaxBytes: Partial<Record<ToProcess["t"], number>> = {
  compute: payloadMaxBytes,
  run: messageContentMaxBytes + messageMetaMaxBytes,
  ack: messageContentMaxBytes + messageMetaMaxBytes,
};

/** What one line costs of what a process may say. */
function unitsOf(bytes: number): number {
  return 1 + Math.floor(bytes / messageUnitBytes);
}
