/** Tries to go on with a conversation. Used by agent_host.ts, after a death of the daemon or of the agent's program. */
import { sessionResumesMax } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { AgentFault, type AgentSession } from "./ports.ts";

export interface Resumed {
  readonly tries: number;
  /** Why it cannot go on; null: it does. */
  readonly fault: string | null;
}

/** Another fault than one that may pass ends the tries. Rejects with the reason of `signal` when that aborts. */
export async function resumeSession(open: () => Promise<AgentSession>, signal: AbortSignal): Promise<Resumed> {
  for (let tries = 1;; tries++) {
    try {
      await (await open()).resume(signal);
      return { tries, fault: null };
    } catch (thrown) {
      signal.throwIfAborted();
      const mayPass = thrown instanceof AgentFault && thrown.recoverable;
      if (!mayPass || tries >= sessionResumesMax) return { tries, fault: messageOf(thrown) };
    }
  }
}
