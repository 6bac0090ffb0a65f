/**
 * Asks the kernel to prompt agents, for the roles that agents play (agent_roles.ts). Installed by worker_main.ts.
 * The kernel's side is kernel/agents.ts.
 */
import type { PromptAnswer, PromptAsk, Prompted } from "../protocol/agent.ts";
import type { KernelChannel } from "./runtime.ts";

/** The role that asks, in a round of a run. */
export interface Asker {
  readonly runId: string;
  readonly round: number;
  readonly role: string;
}

let kernel: KernelChannel | null = null, last = 0;
const waiting = new Map<number, (answer: PromptAnswer) => void>();

export function installAgentPrompts(channel: KernelChannel): void {
  kernel = channel;
}

/** The answer of the agent. When `signal` aborts, this ends the prompt and rejects with the signal's reason. */
export function promptAgent(asker: Asker, ask: PromptAsk, signal: AbortSignal): Promise<PromptAnswer> {
  signal.throwIfAborted();
  const channel = kernel, n = ++last, { runId } = asker;
  if (channel === null) throw new Error("nerve bug: there is no kernel to ask an agent");
  return new Promise((resolve, reject) => {
    const end = () => {
      waiting.delete(n);
      channel.send({ t: "prompt_end", runId, n });
      reject(signal.reason);
    };
    waiting.set(n, (answer) => {
      waiting.delete(n);
      signal.removeEventListener("abort", end);
      resolve(answer);
    });
    signal.addEventListener("abort", end, { once: true });
    channel.send({ t: "prompt", n, ...asker, ask });
  });
}

export function onPrompted({ n, answer }: Prompted): void {
  waiting.get(n)?.(answer);
}
