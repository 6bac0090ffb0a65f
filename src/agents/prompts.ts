/**
 * The prompts in progress, by their keys. Used by agent_host.ts.
 * I1. A repeated prompt gets the answer of the one in progress, unless that was given up.
 * I2. After `drain`, a new prompt has no answer until it is given up: the caller continues with the next daemon.
 */
import { messageOf } from "../base/errors.ts";
import type { PromptAnswer } from "../protocol/agent.ts";

interface Prompt {
  readonly runId: string;
  /** The name of its session. */
  readonly session: string;
  readonly controller: AbortController;
  readonly answer: Promise<PromptAnswer>;
}

export class Prompts {
  readonly #byKey = new Map<string, Prompt>();
  /** Prompts that an agent is working on, or whose artifact is being looked for. */
  readonly #atWork = new Set<Promise<unknown>>();
  #draining = false;

  /** `ask` gets the signal of the prompt. Never rejects. */
  begin(
    key: string,
    of: Pick<Prompt, "runId" | "session">,
    ask: (signal: AbortSignal) => Promise<PromptAnswer>,
  ): Promise<PromptAnswer> {
    const underWay = this.#byKey.get(key);
    if (underWay !== undefined && !underWay.controller.signal.aborted) return underWay.answer;
    const controller = new AbortController(), { signal } = controller;
    const answer = ask(signal).catch((thrown): PromptAnswer => ({ ok: false, message: messageOf(thrown) }));
    const prompt = { ...of, controller, answer };
    this.#byKey.set(key, prompt);
    void answer.then(() => this.#byKey.get(key) === prompt && this.#byKey.delete(key));
    return answer;
  }

  /** Runs `work` for a prompt that an agent gets now; `drain` waits for it. */
  async atWork<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#draining) return await givenUp(signal);
    const working = work(), settled = working.then(() => {}, () => {});
    this.#atWork.add(settled);
    try {
      return await working;
    } finally {
      this.#atWork.delete(settled);
    }
  }

  cancel(key: string, reason: Error): void {
    this.#byKey.get(key)?.controller.abort(reason);
  }

  /** Resolves when the run's prompts have ended. `session`: only those of the session of that name. */
  async endRun(runId: string, reason: Error, session: string | null = null): Promise<void> {
    const own = [...this.#byKey.values()].filter((prompt) => prompt.runId === runId);
    await end(own.filter((prompt) => session === null || prompt.session === session), reason);
  }

  async endAll(reason: Error): Promise<void> {
    await end([...this.#byKey.values()], reason);
  }

  /** Resolves when the prompts that agents are working on are over. */
  async drain(): Promise<void> {
    this.#draining = true;
    while (this.#atWork.size > 0) await Promise.all(this.#atWork);
  }
}

async function end(prompts: readonly Prompt[], reason: Error): Promise<void> {
  for (const { controller } of prompts) controller.abort(reason);
  await Promise.all(prompts.map(({ answer }) => answer));
}

/** Rejects when `signal` aborts, and never resolves. */
export function givenUp(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
