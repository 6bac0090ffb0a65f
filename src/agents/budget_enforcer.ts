/**
 * Holds agents to their budgets: what all sessions with an agent may use in one run. Used by agent_host.ts.
 * I1. At a soft limit no prompt is sent until a person agrees, once for each run; at a hard limit the run is paused,
 *     even in the middle of a prompt. A pause that fails is retried as long as the prompt lasts.
 * I2. Usage is on disk with the rows of the prompts, so it counts across daemons.
 */
import { budgetLookMs } from "../base/agent_limits.ts";
import { delay } from "../base/time.ts";
import type { AgentDefinition, AgentUsage } from "../protocol/agent.ts";
import type { SessionRecord } from "../protocol/session.ts";
import { addUsage, findExcess } from "./budget_usage.ts";
import { AgentFault, type HostPorts } from "./ports.ts";
import { givenUp } from "./prompts.ts";

export class BudgetEnforcer {
  readonly #ports: HostPorts;
  /** Usage by run and agent, once it was read. Rows of prompts may still be on their way to the disk. */
  readonly #used = new Map<string, AgentUsage>();

  constructor(ports: HostPorts) {
    this.#ports = ports;
  }

  /** Resolves when the agent may get a prompt. Rejects with an AgentFault if a person refuses, or on abort. */
  async admit(session: SessionRecord, { budget }: AgentDefinition, signal: AbortSignal): Promise<void> {
    const excess = findExcess(budget, this.#usedBy(session));
    if (excess === null) return;
    if (excess.level === "hard") return await this.#pause(session, excess.what, signal);
    if (await this.#ports.askBudget(session, excess.what, signal)) return;
    signal.throwIfAborted();
    throw new AgentFault(`a person has refused more than its budget: ${excess.what}`);
  }

  /** Watches a prompt in progress; call the returned function when it is over. `now`: the prompt's own usage so far. */
  watch(session: SessionRecord, { budget }: AgentDefinition, now: () => AgentUsage): () => void {
    const limits = Object.values(budget).some((limit) => limit !== null && limit.hard !== null);
    if (!limits) return () => {};
    const { clock } = this.#ports, before = this.#usedBy(session);
    let cancel = () => {}, isOver = false;
    const lookLater = () => {
      if (!isOver) cancel = clock.after(budgetLookMs, look);
    };
    const look = () => {
      const excess = findExcess(budget, addUsage(before, now()));
      if (excess?.level !== "hard") return lookLater();
      // A pause that fails, such as on a full disk, is retried: the agent keeps spending until then.
      void this.#ports.pause(session.runId, toReason(session, excess.what)).then((isPaused) => isPaused || lookLater());
    };
    lookLater();
    return () => {
      isOver = true;
      cancel();
    };
  }

  /** Call this when a prompt is over, and its row is written. */
  note(session: SessionRecord, usage: AgentUsage): void {
    const key = toKey(session), before = this.#used.get(key);
    if (before !== undefined) this.#used.set(key, addUsage(before, usage));
  }

  forget(runId: string): void {
    for (const key of this.#used.keys()) if (key.startsWith(`${runId} `)) this.#used.delete(key);
  }

  #usedBy(session: SessionRecord): AgentUsage {
    const key = toKey(session), used = this.#used.get(key) ?? this.#ports.used(session);
    this.#used.set(key, used);
    return used;
  }

  async #pause(session: SessionRecord, what: string, signal: AbortSignal): Promise<void> {
    while (!await this.#ports.pause(session.runId, toReason(session, what))) {
      await delay(this.#ports.clock, budgetLookMs);
      signal.throwIfAborted();
    }
    await givenUp(signal);
  }
}

function toKey({ runId, agent }: SessionRecord): string {
  return `${runId} ${agent}`;
}

function toReason({ agent }: SessionRecord, what: string): string {
  return `the budget of agent ${agent} is used up: ${what}`;
}
