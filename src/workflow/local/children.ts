/**
 * Child runs: starts them, settles their parent's wait when all have ended, and ends them with their parent. Called by
 * manager.ts. The store alone determines what to do, so a crash of the daemon changes nothing.
 * I1. The ids of children are on disk with the wait, before the first one starts: none is lost, and none starts twice.
 * I2. One message settles the wait, when all children have ended or cannot be started. The store checks that too.
 * I3. No child continues after its parent has ended.
 * I4. Steps for one parent run one after the other; what happens meanwhile is checked afterwards.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import { backoffFirstMs, backoffMaxMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { Run } from "../../protocol/run.ts";
import type { MissingChild, RunWait } from "../../protocol/run_wait.ts";
import type { WorkflowEngine } from "../engine.ts";
import { isTerminal } from "../transitions.ts";
import { type ActiveRuns, keepsSlots } from "./active_runs.ts";
import { childDepthOf, type ChildOutcome, createChildrenMessage, createOutcome } from "./child_texts.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { RunStore } from "./ports.ts";
import type { RunWriter } from "./run_writer.ts";
import type { Waits } from "./waits.ts";

export interface ChildRunsParts {
  readonly runs: ActiveRuns;
  readonly waits: Waits;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly timers: TimerGroup;
  readonly reportProblem: (message: string) => void;
  /** The engines, as in `ManagerOptions`. */
  readonly engines: () => Pick<WorkflowEngine, "startRun" | "killRun">;
}

/** Parents that are checked together when the daemon starts, and bytes of messages that are read in one turn. */
const parentsPerTurn = 100, turnBytes = 256 * 1024;

export class ChildRuns {
  readonly #parts: ChildRunsParts;
  /** By parent: whether it has to be checked again. */
  readonly #working = new Map<string, boolean>();

  constructor(parts: ChildRunsParts) {
    this.#parts = parts;
  }

  /** Checks all runs that wait for children, or have left some behind. */
  async recover(): Promise<void> {
    const { store, timers, reportProblem } = this.#parts;
    try {
      for (let after = "";;) {
        const parents = store.listOpenParents(after, parentsPerTurn);
        for (const parent of parents) this.check(parent);
        if (parents.length < parentsPerTurn) return;
        after = parents.at(-1) ?? after;
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } catch (thrown) {
      reportProblem(`the runs that others wait for cannot be read; retrying: ${messageOf(thrown)}`);
      timers.after(backoffMaxMs, () => void this.recover());
    }
  }

  /** The run, a child, a parent or both, has ended. */
  onEnded({ runId, trigger }: Run): void {
    if (trigger.kind === "run") this.check(trigger.run);
    if (this.#hasOpen(runId)) this.check(runId);
  }

  #hasOpen(runId: string): boolean {
    try {
      return this.#parts.store.hasOpenChildren(runId);
    } catch {
      // `check` retries and reports it.
      return true;
    }
  }

  /** Takes every step that the children of this run need now. */
  check(parentId: string): void {
    const isWorking = this.#working.has(parentId);
    this.#working.set(parentId, true);
    if (!isWorking) void this.#work(parentId);
  }

  async #work(parentId: string): Promise<void> {
    const { writer, timers, reportProblem } = this.#parts;
    // Lets the caller of `check` finish first.
    await null;
    try {
      while (this.#working.get(parentId) === true && !writer.closed) {
        this.#working.set(parentId, false);
        await this.#doAll(parentId);
      }
    } catch (thrown) {
      if (writer.closed) return;
      reportProblem(`the runs that ${parentId} waits for cannot be looked after; retrying: ${messageOf(thrown)}`);
      timers.after(backoffMaxMs, () => this.check(parentId));
    } finally {
      this.#working.delete(parentId);
    }
  }

  async #doAll(parentId: string): Promise<void> {
    const { store, waits, runs } = this.#parts;
    for (let moving = waits.movingOf(parentId); moving !== null; moving = waits.movingOf(parentId)) await moving;
    const parent = store.get(parentId), entry = runs.get(parentId);
    if (parent === null) return;
    // A change of the parent is not on disk yet, and may never be: nothing may follow from it.
    if (entry !== null && entry.run.status !== parent.status) return this.#checkSoon(parentId);
    if (isTerminal(parent.status)) return await this.#endAll(parent);
    // A paused parent starts nothing and gets no message until it is resumed.
    const wait = parent.status === "waiting" ? store.readWait(parentId) : null;
    if (wait?.kind !== "children") return;
    await this.#startMissing(parent, wait);
    if (!store.isAwaitingChildren(parentId, wait.round)) await this.#settle(parentId, wait);
  }

  async #startMissing(parent: Run, { round }: RunWait): Promise<void> {
    const { store, dispatcher } = this.#parts;
    // A queue would count it as overflow.
    if (!dispatcher.isOpen) return;
    const missing = store.listMissingChildren(parent.runId, round);
    if (missing.length === 0) return;
    const causeId = store.readWaitRow(parent.runId);
    const results = await Promise.allSettled(missing.map((child) => this.#start(parent, round, child, causeId)));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  async #start(parent: Run, round: number, child: MissingChild, causeId: number | null): Promise<void> {
    const { store, engines, dispatcher } = this.#parts, { runId, request } = child;
    const trigger = { kind: "run", run: parent.runId, round, depth: childDepthOf(parent) } as const;
    const why = this.#findDeadlock(parent, request.workflow) ??
      await engines().startRun({ ...request, runId, trigger, causeId }).then(
        (run) => isChildOf(parent, run) ? null : `run ${runId} exists, and is not one of ${parent.runId}`,
        (thrown) => {
          const isFinal = thrown instanceof NerveError && thrown.code !== "STORE_FAILED";
          if (isFinal) return thrown.message;
          throw thrown;
        },
      );
    if (why !== null && dispatcher.isOpen) await store.refuseChild(parent, round, child, why);
  }

  /** Why the child would wait forever: the runs that wait for it hold all slots of its workflow. */
  #findDeadlock(parent: Run, workflow: string): string | null {
    const { runs, store } = this.#parts, queue = runs.findQueue(workflow), plan = queue?.plan;
    if (queue === null || plan == null || !keepsSlots(queue)) return null;
    const holders: string[] = [];
    for (
      let run: Run | null = parent;
      run !== null;
      run = run.trigger.kind === "run" ? store.get(run.trigger.run) : null
    ) {
      if (run.workflow === workflow && !isTerminal(run.status)) holders.push(run.runId);
    }
    if (holders.length < plan.concurrency) return null;
    const who = holders.length === 1
      ? `run ${holders[0]}, which waits for it, holds the only slot`
      : `${holders.length} runs that wait for it hold all slots`;
    return `it would never start: ${who} of workflow ${workflow}; raise its concurrency, or let it say waiting: release`;
  }

  async #settle(parentId: string, wait: RunWait): Promise<void> {
    const { store, waits, dispatcher, clock } = this.#parts;
    const outcomes: ChildOutcome[] = [];
    let bytes = 0;
    for (const child of store.listChildren(parentId, wait.round)) {
      const last = child.run?.status === "completed" ? store.readLastMessage(child.runId)?.content ?? "" : "";
      outcomes.push(createOutcome(child, last));
      bytes += last.length;
      if (bytes < turnBytes) continue;
      bytes = 0;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    const parent = store.get(parentId);
    if (parent?.status !== "waiting") return this.check(parentId);
    const entry = waits.load(parent);
    // A kill or a pause of it is being written, and may fail.
    if (entry.phase.tag !== "waiting" || entry.endsPending > 0) {
      return this.#checkSoon(parentId);
    }
    const message = createChildrenMessage(wait, outcomes, clock.now());
    // Tried once: the child's end may be in the very commit that fails, and the child may then end differently.
    if (await waits.settle(entry, message, { children: true }, true)) dispatcher.dispatch(entry.queue);
    else this.check(parentId);
  }

  #checkSoon(parentId: string): void {
    this.#parts.timers.after(backoffFirstMs, () => this.check(parentId));
  }

  /** Ends the children of a parent that has ended while it waited. */
  async #endAll(parent: Run): Promise<void> {
    const { store, engines } = this.#parts, { runId, status } = parent;
    const unfinished = store.listUnfinishedChildren(runId);
    const reason = `run ${runId}, which waited for it, was ${status}`;
    const killed = await Promise.allSettled(unfinished.map((child) => engines().killRun(child, reason)));
    for (const result of killed) {
      const hasEnded = result.status === "fulfilled" ||
        result.reason instanceof NerveError && result.reason.code === "RUN_ENDED";
      if (!hasEnded) throw result.reason;
    }
    await store.closeChildren(runId);
  }
}

function isChildOf(parent: Run, { trigger }: Run): boolean {
  return trigger.kind === "run" && trigger.run === parent.runId;
}
