/** Tries to open or continue a conversation. Used by sessions.ts before a prompt, and after a death of the daemon. */
import { sessionResumesMax } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { AgentFault, type AgentSession } from "./ports.ts";

export interface Resumed {
  readonly tries: number;
  /** Why it cannot continue; null: it does. */
  readonly fault: string | null;
}

/** A fault that is not recoverable ends the tries. Rejects with the reason of `signal` when that aborts. */
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
