/**
 * One run of a crash test: starts it, strikes at its boundary, gives it what it waits for, and returns its outcome.
 * Used by cli/commands/crashtest.ts.
 */
import { NerveError } from "../../base/errors.ts";
import { type Clock, delay } from "../../base/time.ts";
import { findLeftovers, killProcesses, waitUntil } from "../../daemon/discovery.ts";
import type { Approval } from "../../protocol/approval.ts";
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { RunWait } from "../../protocol/run_wait.ts";
import { StoreReader } from "../../store/log/reader.ts";
import type { Scratch } from "./scratch.ts";
import { pollMs, ScratchDaemon } from "./scratch_daemon.ts";
import { type Boundary, type Note, toRunId } from "./wrapper.ts";

export type Victim = "process" | "daemon";

/** Where a run is struck, and what is killed; `wait`: while it waits. */
export interface Strike {
  readonly round: number;
  readonly boundary: Boundary | "wait";
  readonly victim: Victim;
}

export interface TrialInput {
  readonly workflow: string;
  readonly prompt: string;
  readonly payload: Json;
  /** The option to decide, by role. */
  readonly decide: ReadonlyMap<string, string>;
  /** The payload of the event to send, by name. */
  readonly events: ReadonlyMap<string, Json>;
  readonly timeoutMs: number;
}

/** The outcome of a run. */
export interface Outcome {
  readonly run: Run;
  readonly messages: readonly RunMessage[];
  readonly notes: readonly Note[];
  /** The rounds in which it waited. */
  readonly waits: ReadonlySet<number>;
  /** How often a person had to decide about a role with an unknown end; how often it then ran again. */
  readonly asked: number;
  readonly retries: ReadonlyMap<number, number>;
  /** Whether it reached the boundary of its strike. */
  readonly struck: boolean;
  /** Why no process works on it; null when nothing prevents that. */
  readonly stuck: string | null;
}

/** How often to check whether the workflow is quarantined. */
const lookMs = 1_000;
/** How long a sleep lasts in which a run is struck, at first and at most. */
const struckWaitMs = 3_000, struckWaitMaxMs = 48_000;
const leftoversMaxMs = 10_000;

export class Trials implements AsyncDisposable {
  readonly #scratch: Scratch;
  readonly #input: TrialInput;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #daemon: ScratchDaemon | null = null;
  #count = 0;

  constructor(scratch: Scratch, input: TrialInput, clock: Clock, signal: AbortSignal) {
    this.#scratch = scratch;
    this.#input = input;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** `strike` null: undisturbed. Throws when the run waits for an event that was not given. */
  async run(strike: Strike | null): Promise<Outcome> {
    for (let waitMs = struckWaitMs;; waitMs *= 4) {
      const outcome = await this.#try(strike, waitMs);
      // On a busy machine, a wait may end before it is noticed.
      if (strike?.boundary !== "wait" || outcome.struck || waitMs >= struckWaitMaxMs) return outcome;
    }
  }

  async #try(strike: Strike | null, waitMs: number): Promise<Outcome> {
    const { workflow, prompt, payload } = this.#input;
    const runId = toRunId(strike?.round ?? 0, strike?.boundary ?? "never", ++this.#count, waitMs);
    await (await this.#running()).ask((client) => client.startRun(workflow, { runId, prompt, payload }));
    const latest = this.#clock.monotonic() + this.#input.timeoutMs, given = new Given();
    let isStruck = false, stuck: string | null = null, lookAt = this.#clock.monotonic() + lookMs;
    for (;;) {
      const daemon = await this.#running(), run = await daemon.ask((client) => client.run(runId, false));
      const now = this.#clock.monotonic();
      if (now > lookAt) {
        lookAt = now + lookMs;
        stuck = await this.#findQuarantine(daemon);
      }
      const isOver = run.endedAt !== null || run.status === "paused" || stuck !== null || now > latest;
      if (isOver) return this.#toOutcome(run, given, isStruck, stuck);
      if (strike !== null && !isStruck && this.#isAt(strike, run)) {
        isStruck = true;
        await this.#kill(strike.victim);
      } else if (run.status === "waiting") await this.#give(run, given);
      await this.#pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.kill();
    // The daemon's processes notice that it is gone, and end; a blocked one may take a moment.
    const { root } = this.#scratch.paths;
    killProcesses(findLeftovers(root), "group");
    await waitUntil(this.#clock, leftoversMaxMs, () => findLeftovers(root).length === 0);
  }

  async #running(): Promise<ScratchDaemon> {
    return this.#daemon ??= await ScratchDaemon.start(this.#scratch.paths, this.#clock);
  }

  async #pause(): Promise<void> {
    if (this.#signal.aborted) throw new NerveError("USAGE", "the crash test was interrupted");
    await delay(this.#clock, pollMs);
  }

  #isAt({ round, boundary }: Strike, run: Run): boolean {
    if (boundary === "wait") return run.status === "waiting" && run.rounds === round - 1;
    const isHit = existsFile(`${this.#scratch.marks}/${run.runId}.hit`);
    // Its message must be on disk: only the kernel has read it so far.
    return isHit && (boundary !== "sent" || run.rounds >= round);
  }

  async #kill(victim: Victim): Promise<void> {
    const daemon = await this.#running();
    if (victim === "process") return await daemon.killProcess(this.#input.workflow, this.#clock);
    await daemon.kill();
    this.#daemon = null;
  }

  /** Gives a run what it waits for, unless that is time. */
  async #give(run: Run, given: Given): Promise<void> {
    const round = run.rounds + 1, daemon = await this.#running();
    const { asked, wait } = this.#read((reader) => ({
      asked: reader.approvalAt(run.runId, round),
      wait: readWait(reader, run.runId),
    }));
    given.waits.add(round);
    if (asked?.open === true) {
      const { id, digest } = asked, { option, content, meta } = this.#decide(asked);
      const supplied = content === undefined ? {} : { content, meta: meta ?? {} };
      const decision = { option, digest, token: id, by: "crashtest", ...supplied };
      await daemon.ask((client) => client.decide(id, decision));
      if (asked.kind === "recovery") given.decided(round, option);
    } else if (wait?.event != null && !given.sent.has(round)) {
      const payload = this.#input.events.get(wait.event);
      if (payload !== undefined) {
        given.sent.add(round);
        const event = { name: wait.event, key: `crashtest ${round}`, payload };
        await daemon.ask((client) => client.sendEvent(run.runId, event));
      } else if (wait.due === null) {
        throw new NerveError("USAGE", `role ${wait.role} waits for the event ${wait.event}, which nobody sends`, {
          hint: `--event ${wait.event}=JSON`,
        });
      }
    }
  }

  /** Decides like a person who checks first: a role that is done is done, and one that was not called may run. */
  #decide({ kind, role, round, runId, options }: Approval): {
    readonly option: string;
    readonly content?: string;
    readonly meta?: JsonObject;
  } {
    const asked = this.#input.decide.get(role);
    const done = kind === "recovery" ? this.#notes(runId).findLast((each) => isSettled(each, round)) : undefined;
    const option = asked ?? (done === undefined ? options[0] ?? "" : "done");
    if (!options.includes(option)) {
      throw new NerveError("USAGE", `${role} has no option "${option}"`, { hint: `there are: ${options.join(", ")}` });
    }
    if (option !== "done" || kind !== "recovery") return { option };
    const result = isPlainObject(done?.result) ? done.result : {}, { content, meta } = result;
    return {
      option,
      content: typeof content === "string" ? content : "",
      meta: isPlainObject(meta) ? meta as JsonObject : {},
    };
  }

  /** A process that a strike has killed does not count: it could restart at once. */
  async #findQuarantine(daemon: ScratchDaemon): Promise<string | null> {
    const workflows = await daemon.ask((client) => client.workflows());
    const { problem = null } = workflows.find(({ name }) => name === this.#input.workflow) ?? {};
    return problem?.startsWith("quarantined") === true ? problem : null;
  }

  #toOutcome(run: Run, { waits, asked, retries }: Given, struck: boolean, stuck: string | null): Outcome {
    const messages = this.#read((reader) => reader.messages(run.runId));
    return { run, messages, notes: this.#notes(run.runId), waits, asked, retries, struck, stuck };
  }

  #notes(runId: string): Note[] {
    const path = `${this.#scratch.marks}/${runId}.notes`;
    if (!existsFile(path)) return [];
    // A line that a kill cut short does not count.
    const lines = Deno.readTextFileSync(path).split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Note);
  }

  #read<T>(read: (reader: StoreReader) => T): T {
    const reader = StoreReader.open(this.#scratch.paths.logDatabase);
    if (reader === null) throw new NerveError("STORE_FAILED", "the daemon of the crash test has no log");
    try {
      return read(reader);
    } finally {
      reader.close();
    }
  }
}

/** What a run was given, and the rounds in which it waited. */
class Given {
  readonly waits = new Set<number>();
  readonly sent = new Set<number>();
  readonly retries = new Map<number, number>();
  asked = 0;

  decided(round: number, option: string): void {
    this.asked++;
    if (option === "retry") this.retries.set(round, (this.retries.get(round) ?? 0) + 1);
  }
}

function isSettled({ what, round }: Note, of: number): boolean {
  return what === "settled" && round === of;
}

/** The wait of a run, from its newest row. */
function readWait(reader: StoreReader, runId: string): RunWait | null {
  const [row] = reader.logs({ refId: runId, type: "run.waiting", order: "desc", limit: 1 });
  return isPlainObject(row?.payload) ? row.payload.wait as unknown as RunWait : null;
}

function existsFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
