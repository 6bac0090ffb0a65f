/**
 * The work of this daemon on one run of a distributed engine. The local engine works on it as on its own runs; each write
 * first goes to the server, and takes effect here once the server keeps it. Made by engines.ts for each call of
 * the server; journaled_store.ts submits.
 * I1. A change is kept by the server before it is applied here, and before anyone is told; but see I4. Changes apply in the order in
 *     which the server keeps them, on every daemon.
 * I2. A change that was applied before is not applied again; its number is stored in the same commit.
 * I3. After the end of the session nothing is submitted: pending writes reject.
 * I4. That a run starts, or goes on in its next attempt, is applied at once and sent with what comes next: another daemon
 *     would write the very same. What is ahead of the server is stored, and sent first when the run comes back here.
 * I5. When nothing else of the run is being written, it is certain what a message does that the server keeps, and what the first
 *     start does. Then the run goes on while they are written here; its next change waits for that.
 */
import { calculateBackoff } from "../../base/backoff.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { Run, RunChange, RunMessage, RunRef } from "../../protocol/run.ts";
import { isTerminal } from "../transitions.ts";
import type { ClusterRuns } from "./cluster_runs.ts";
import type { Change, LocalRuns, RunSession } from "./ports.ts";

interface Pending {
  readonly change: Change;
  /** Null: it is applied already. */
  readonly settled: PromiseWithResolvers<boolean> | null;
}

/** A change of which it is certain what it does: `after` is what the run is then. */
interface Certain {
  readonly change: Change;
  readonly settled: PromiseWithResolvers<boolean>;
  readonly after: Run;
}

const over: Change = { call: "over", args: [] };

/** How long what is ahead of the server waits for something to be sent with. */
const aheadMs = 500;

export interface SessionParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  /** The server has no change that is not applied: the local engine takes the run. */
  readonly onTaken: (runId: string) => Promise<void>;
  /** It has ended. */
  readonly onEnd: (session: ClusterSession) => void;
}

export class ClusterSession implements RunSession {
  readonly runId: string;
  readonly #parts: SessionParts;
  #waiting: Pending[] = [];
  /** Those that the server is asked to keep. */
  #sent: Pending[] = [];
  #wake: () => void = () => {};
  #taken = false;
  #ended = false;

  constructor(runId: string, parts: SessionParts) {
    this.runId = runId;
    this.#parts = parts;
  }

  /** Whether the local engine has the run: all that the server keeps is applied here. */
  get taken(): boolean {
    return this.#taken;
  }

  /** Resolves with whether the change took effect, once the server keeps it. */
  submit(change: Change): Promise<boolean> {
    if (this.#ended) return Promise.reject(this.#toAway());
    if (isStart(change)) return this.#goAhead(change);
    const settled = Promise.withResolvers<boolean>();
    this.#push({ change, settled });
    return settled.promise;
  }

  async #goAhead(change: Change): Promise<boolean> {
    const { runs, store } = this.#parts;
    await runs.whenWritten(this.runId);
    if (this.#ended) throw this.#toAway();
    const known = runs.get(this.runId), run = store.get(this.runId);
    if (known !== null) runs.put(this.runId, { ...known, ahead: [...known.ahead ?? [], change] });
    const isCertain = run?.status === "queued" && fenceOf(change.args[1]) === 0 && run.attempt === 0;
    const writing = isCertain ? this.#writeAnyhow(change) : this.#perform(change);
    runs.setWriting(this.runId, writing, isCertain ? { ...run, ...change.args[2] as RunChange } : null);
    const done = isCertain || await writing === true;
    if (done && !this.#ended) this.#push({ change, settled: null });
    return done;
  }

  #push(pending: Pending): void {
    this.#waiting.push(pending);
    this.#wake();
  }

  async next(): Promise<readonly Change[]> {
    if (!this.#taken) {
      this.#taken = true;
      for (const change of this.#parts.runs.get(this.runId)?.ahead ?? []) this.#push({ change, settled: null });
      await this.#parts.onTaken(this.runId);
    }
    // Asked again: the server did not get the last answer.
    while (this.#sent.length === 0 && !this.#ended && !this.#isOver()) {
      if (this.#waiting.length === 0) {
        await this.#awaken(null);
        continue;
      }
      if (this.#waiting.every(({ settled }) => settled === null)) await this.#awaken(aheadMs);
      this.#sent = this.#waiting;
      this.#waiting = [];
    }
    if (this.#ended) throw this.#toAway();
    const changes = this.#sent.map(({ change }) => change);
    return changes.some((change) => this.#isLast(change)) ? [...changes, over] : changes;
  }

  #awaken(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const cancel = ms === null ? () => {} : this.#parts.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Whether nothing follows the change: the run has ended, and no `finally` is to run. */
  #isLast({ call, args }: Change): boolean {
    if (call === "closeRun") return true;
    const run = this.#parts.store.get(this.runId), [, , change] = args;
    if (call !== "transition" || run === null || !isTerminal((change as RunChange).status)) return false;
    return this.#parts.store.readFinally(run.workflow)?.has === false;
  }

  /** Whether there is something new to look at, such as that the run needs no closing any more. */
  look(): void {
    this.#wake();
  }

  async apply(n: number, changes: readonly Change[]): Promise<boolean> {
    const { runs } = this.#parts;
    await runs.whenWritten(this.runId);
    const known = runs.get(this.runId), applied = known?.applied ?? 0;
    if (known !== null && n > applied) {
      const sent = this.#sent;
      this.#sent = [];
      const ahead = this.#taken
        ? this.#waiting.flatMap(({ change, settled }) => settled === null ? [change] : [])
        // Nothing of it is submitted again yet, but what the server keeps of it.
        : (known.ahead ?? []).filter((one) => !changes.some((change) => isSameStart(change, one)));
      runs.put(this.runId, { engine: known.engine, handed: known.handed, applied: n, ahead });
      const certain = this.#findCertain(changes, sent);
      const writing = certain === null
        ? Promise.all(changes.map((change, index) => this.#applyOne(change, sent[index])))
        : this.#writeAnyhow(certain.change);
      runs.setWriting(this.runId, writing, certain?.after ?? null);
      certain?.settled.resolve(true);
      if (certain === null) await writing;
    }
    // One after which there are others is not the last, whatever has become of the run since.
    return changes.at(-1)?.call === "over" && n >= applied && this.#hasEnded();
  }

  end(isOver: boolean): void {
    if (this.#ended) return;
    if (isOver) this.#parts.runs.forget(this.runId);
    this.#ended = true;
    const pending = [...this.#sent, ...this.#waiting];
    this.#sent = this.#waiting = [];
    this.#parts.onEnd(this);
    for (const { settled } of pending) settled?.reject(this.#toAway());
    this.#wake();
  }

  /** The message that is all there is to write, if the run is where it expects it: then it takes effect for certain. */
  #findCertain(changes: readonly Change[], sent: readonly Pending[]): Certain | null {
    const last = sent.at(-1), run = this.#parts.store.get(this.runId);
    if (last?.settled == null || run?.status !== "started" || last.change.call !== "appendMessage") return null;
    // All before it is applied already.
    if (sent.length !== changes.length || sent.some(({ settled }) => settled !== null && settled !== last.settled)) {
      return null;
    }
    const { change, settled } = last, [ref, { round }] = change.args as [RunRef, RunMessage];
    const isNext = run.attempt === ref.attempt && run.rounds === round - 1;
    return isNext ? { change, settled, after: { ...run, rounds: round } } : null;
  }

  /** Even after the end of the session. Never rejects. */
  async #writeAnyhow(change: Change): Promise<void> {
    await this.#untilWritten(change, () => true);
  }

  /** What the server keeps has to be written here, however long that takes. `sent`: as which this session has sent it. */
  async #applyOne(change: Change, sent: Pending | undefined): Promise<void> {
    if (change.call === "over" || sent?.settled === null) return;
    const done = await this.#untilWritten(change, () => !this.#ended || sent === undefined);
    sent?.settled?.resolve(done);
  }

  /** Rejects with the store's error when it shall not be tried again. */
  async #untilWritten(change: Change, goesOn: () => boolean): Promise<boolean> {
    const { clock, reportProblem } = this.#parts;
    for (let failures = 1;; failures++) {
      try {
        return await this.#perform(change);
      } catch (thrown) {
        const what = `a change of run ${this.runId} cannot be written; retrying: ${messageOf(thrown)}`;
        if (failures === 1) reportProblem(what);
        if (!goesOn()) throw thrown;
      }
      const ms = calculateBackoff(failures, backoffFirstMs, backoffMaxMs);
      await new Promise<void>((resolve) => void clock.after(ms, resolve));
    }
  }

  #perform({ call, args }: Change): Promise<boolean> {
    const { store } = this.#parts, causeId = store.get(this.runId)?.causeId ?? null;
    // A cause is a row of the log of one daemon.
    const own = args.map((arg) => isCaused(arg) ? { ...arg, causeId } : arg);
    return call === "over" ? Promise.resolve(true) : Reflect.apply(store[call], store, own) as Promise<boolean>;
  }

  #hasEnded(): boolean {
    const run = this.#parts.store.get(this.runId);
    return run !== null && isTerminal(run.status);
  }

  #isOver(): boolean {
    return this.#hasEnded() && !this.#parts.store.isToBeClosed(this.runId);
  }

  #toAway(): NerveError {
    return new NerveError("ENGINE_AWAY", `run ${this.runId} goes on elsewhere, or its engine cannot be reached`, {
      hint: "nerve engine status says which",
    });
  }
}

/** A run that starts, or goes on in its next attempt. */
function isStart({ call, args: [, , change] }: Change): boolean {
  return call === "transition" && (change as RunChange).status === "started";
}

/** Of the same attempt, whoever wrote it: `fence` is the attempt before. */
function isSameStart(one: Change, other: Change): boolean {
  const [, before] = one.args, [, than] = other.args;
  return isStart(one) && isStart(other) && fenceOf(before) === fenceOf(than);
}

function fenceOf(condition: unknown): unknown {
  return (condition as { readonly fence?: unknown }).fence;
}

function isCaused(value: unknown): value is { readonly causeId: unknown } {
  return typeof value === "object" && value !== null && "causeId" in value;
}
