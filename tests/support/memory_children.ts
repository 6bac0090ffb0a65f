/** The part of memory_run_store.ts that records which runs wait for which. */
import type { NewLogRow } from "../../src/protocol/log.ts";
import type { Run, RunMessage, RunRef } from "../../src/protocol/run.ts";
import type { ChildOfRun, MissingChild, NewChild } from "../../src/protocol/run_wait.ts";
import { isTerminal } from "../../src/workflow/transitions.ts";

interface StoredChild extends NewChild {
  readonly round: number;
  readonly n: number;
  readonly open: boolean;
  readonly refused: string | null;
}

export interface ChildState {
  readonly runs: Map<string, Run>;
  readonly messages: Map<string, readonly RunMessage[]>;
  readonly rows: NewLogRow[];
  /** By parent. */
  readonly children: Map<string, readonly StoredChild[]>;
}

export abstract class MemoryChildStore {
  protected abstract get state(): ChildState;
  protected abstract done(result: boolean): Promise<boolean>;

  protected addChildren(parent: string, round: number, children: readonly NewChild[]): void {
    const added = children.map((child, index) => ({ ...child, round, n: index + 1, open: true, refused: null }));
    if (added.length > 0) this.state.children.set(parent, [...this.#childrenOf(parent), ...added]);
  }

  protected forgetChildren(parent: string): void {
    const closed = this.#childrenOf(parent).map((child) => ({ ...child, open: false }));
    if (closed.length > 0) this.state.children.set(parent, closed);
  }

  isAwaitingChildren(parent: string, round: number): boolean {
    return this.#childrenOf(parent).some((child) => {
      const run = this.#runOf(parent, child);
      return child.round === round && child.refused === null && (run === null || !isTerminal(run.status));
    });
  }

  listMissingChildren(parent: string, round: number): MissingChild[] {
    return this.#childrenOf(parent).filter((child) =>
      child.round === round && child.open && child.refused === null && this.#runOf(parent, child) === null
    );
  }

  listUnfinishedChildren(parent: string): string[] {
    const unfinished = this.#childrenOf(parent).filter((child) => {
      const run = this.#runOf(parent, child);
      return child.open && run !== null && !isTerminal(run.status);
    });
    return unfinished.map(({ runId }) => runId);
  }

  listChildren(parent: string, round: number | null = null): ChildOfRun[] {
    return this.#childrenOf(parent).filter((child) => round === null || child.round === round).map((child) => {
      const { runId, n, refused, request: { workflow } } = child, run = this.#runOf(parent, child);
      return { runId, n, refused, workflow, round: child.round, run };
    });
  }

  refuseChild(parent: RunRef, round: number, { n }: MissingChild, why: string): Promise<boolean> {
    const all = this.#childrenOf(parent.runId), child = all.find((each) => each.round === round && each.n === n);
    if (child === undefined || !child.open || child.refused !== null) return this.done(false);
    const refused = all.map((each) => each === child ? { ...each, refused: why } : each);
    this.state.children.set(parent.runId, refused);
    const source = `workflow:${parent.workflow}` as const, payload = { round, n, why };
    this.state.rows.push({ source, type: "run.child_refused", refId: parent.runId, causeId: null, payload });
    return this.done(true);
  }

  async closeChildren(parent: string): Promise<void> {
    if (this.listUnfinishedChildren(parent).length === 0) this.forgetChildren(parent);
    await this.done(true);
  }

  hasOpenChildren(parent: string): boolean {
    return this.#childrenOf(parent).some(({ open }) => open);
  }

  listOpenParents(after: string, limit: number): string[] {
    const parents = [...this.state.children.keys()].filter((id) => id > after && this.hasOpenChildren(id));
    return parents.sort((a, b) => a < b ? -1 : 1).slice(0, limit);
  }

  readWaitRow(runId: string): number | null {
    const index = this.state.rows.findLastIndex(({ refId, type }) => refId === runId && type === "run.waiting");
    return index < 0 ? null : index + 1;
  }

  readLastMessage(runId: string): RunMessage | null {
    return this.state.messages.get(runId)?.at(-1) ?? null;
  }

  #childrenOf(parent: string): readonly StoredChild[] {
    return this.state.children.get(parent) ?? [];
  }

  #runOf(parent: string, { runId }: StoredChild): Run | null {
    const run = this.state.runs.get(runId) ?? null, trigger = run?.trigger;
    return trigger?.kind === "run" && trigger.run === parent ? run : null;
  }
}
