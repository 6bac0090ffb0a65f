/**
 * Budgets in the kernel: sums up usage from the rows of the log, and asks a person whether an agent may exceed a soft
 * limit. Used by agents.ts.
 * I1. A run asks once for each agent: from then on the answer counts for its soft limits, across daemons.
 */
import { addUsage, noUsage } from "../agents/budget_usage.ts";
import type { AgentUsage } from "../protocol/agent.ts";
import type { Approval } from "../protocol/approval.ts";
import { isPlainObject } from "../protocol/json.ts";
import type { SessionRecord } from "../protocol/session.ts";
import type { Store } from "../store/store.ts";
import type { AgentRequests } from "./agent_requests.ts";

/** At most so many rows of a run's prompts are read. */
const rowsMax = 100_000;

export class Budgets {
  readonly #store: Store;
  readonly #requests: AgentRequests;
  /** The callers that wait for a decision, by the id of its request. */
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(store: Store, requests: AgentRequests) {
    this.#store = store;
    this.#requests = requests;
  }

  used({ runId, agent }: Pick<SessionRecord, "runId" | "agent">): AgentUsage {
    let sum = noUsage;
    this.#store.flush();
    for (const type of ["session.answered", "session.used"]) {
      for (const { payload } of this.#store.reader.logs({ refId: runId, type, limit: rowsMax })) {
        const { agent: of, usage } = Object(payload);
        if (of === agent && isPlainObject(usage)) sum = addUsage(sum, { ...noUsage, ...usage });
      }
    }
    return sum;
  }

  async ask({ runId, name, agent }: SessionRecord, what: string, signal: AbortSignal): Promise<boolean> {
    const run = this.#store.runs.get(runId), gate = `budget-${agent}`;
    if (run === null) return false;
    const before = this.#store.runs.countApprovals(runId, gate);
    const body = `Agent ${agent} has used in this run: ${what}.\n\n` +
      "- **approve**: it goes on, up to its hard limits.\n- **reject**: its role fails.\n";
    const title = `Agent ${agent} comes to its budget: go on?`, options = ["approve", "reject"];
    const id = before > 0
      ? `${runId}:${gate}::${before}`
      : await this.#requests.ask(run, { kind: "budget", gate, role: name, title, body, options });
    while (id !== null && !signal.aborted) {
      const approval = this.#store.runs.readApproval(id)?.approval;
      if (approval === undefined || !approval.open) return approval?.decision === "approve";
      await this.#changed(id, signal);
    }
    return false;
  }

  onDecided({ id }: Approval): void {
    this.#waiting.get(id)?.forEach((wake) => wake());
  }

  #changed(id: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>(), waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(resolve));
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(() => {
      waiting.delete(resolve);
      if (waiting.size === 0) this.#waiting.delete(id);
    });
  }
}
