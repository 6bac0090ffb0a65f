/**
 * This daemon's work on one run of a distributed engine. The local engine works on it as on its own runs; each write
 * goes to the server first, and takes effect here once the server keeps it. Created by engines.ts for each call of the
 * server, and by mirror.ts to apply changes; journaled_store.ts submits.
 * I1. The server keeps a change before it is applied or reported here; but see I4. Every daemon applies changes in the
 *     order in which the server keeps them.
 * I2. A change is applied only once: its number is stored in the same commit.
 * I3. After the end of the session nothing is submitted: pending writes reject.
 * I4. The start of a run, or of its next attempt, is applied immediately and sent with the next change: another daemon
 *     would write exactly the same. Changes ahead of the server are stored, and sent first when the run comes back
 *     here.
 * I5. When nothing else of the run is being written, the effect of a message that the server keeps, and of the first
 *     start, is certain. The run then continues while they are written here; its next change waits for that.
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
  /** Null: the change is applied already. */
  readonly settled: PromiseWithResolvers<boolean> | null;
}

/** A change whose effect is certain: `after` is the run that it results in. */
interface Certain {
  readonly change: Change;
  readonly settled: PromiseWithResolvers<boolean>;
  readonly after: Run;
}

const over: Change = { call: "over", args: [] };

/** How long changes ahead of the server wait for another change to be sent with. */
const aheadMs = 500;

export interface SessionParts {
  readonly store: LocalRuns;
  readonly runs: ClusterRuns;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  /** All of the server's changes are applied: the local engine takes the run. */
  readonly onTaken: (runId: string) => Promise<void>;
  /** The session has ended. */
  readonly onEnd: (session: ClusterSession) => void;
}

export class ClusterSession implements RunSession {
  readonly runId: string;
  readonly #parts: SessionParts;
  #waiting: Pending[] = [];
  /** Changes that the server was asked to keep. */
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
    // Called again with changes unconfirmed: the server did not get the last answer.
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

  /** Whether nothing follows the change: the run has ended, and no `finally` will run. */
  #isLast({ call, args }: Change): boolean {
    if (call === "closeRun") return true;
    const run = this.#parts.store.get(this.runId), [, , change] = args;
    if (call !== "transition" || run === null || !isTerminal((change as RunChange).status)) return false;
    return this.#parts.store.readFinally(run.workflow)?.has === false;
  }

  /** Checks for something new, such as that the run no longer needs closing. */
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
        // Nothing ahead is submitted again yet, except what the server already keeps.
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
    // A change that others follow is not the last, whatever the run's status is now.
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

  /** The message that is the only thing to write, if the run is where it expects: its effect is then certain. */
  #findCertain(changes: readonly Change[], sent: readonly Pending[]): Certain | null {
    const last = sent.at(-1), run = this.#parts.store.get(this.runId);
    if (last?.settled == null || run?.status !== "started" || last.change.call !== "appendMessage") return null;
    // All changes before the message are applied already.
    if (sent.length !== changes.length || sent.some(({ settled }) => settled !== null && settled !== last.settled)) {
      return null;
    }
    const { change, settled } = last, [ref, { round }] = change.args as [RunRef, RunMessage];
    const isNext = run.attempt === ref.attempt && run.rounds === round - 1;
    return isNext ? { change, settled, after: { ...run, rounds: round } } : null;
  }

  /** Writes even after the end of the session. Never rejects. */
  async #writeAnyhow(change: Change): Promise<void> {
    await this.#untilWritten(change, () => true);
  }

  /** Writes a change that the server keeps, however long that takes. `sent`: the session's own copy of the change. */
  async #applyOne(change: Change, sent: Pending | undefined): Promise<void> {
    if (change.call === "over" || sent?.settled === null) return;
    const done = await this.#untilWritten(change, () => !this.#ended || sent === undefined);
    sent?.settled?.resolve(done);
  }

  /** Rejects with the store's error when `goesOn` is false. */
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
    // A cause is a row of one daemon's log.
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

/** Whether a run starts, or continues in its next attempt. */
function isStart({ call, args: [, , change] }: Change): boolean {
  return call === "transition" && (change as RunChange).status === "started";
}

/** Whether both start the same attempt, on any daemon: `fence` is the attempt before. */
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
