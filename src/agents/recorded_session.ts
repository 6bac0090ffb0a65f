/** A session that records its prompts and answers in its transcript, for every protocol. Used by session_opener.ts. */
import { messageOf } from "../base/errors.ts";
import type { AgentUsage, PromptEnvelope } from "../protocol/agent.ts";
import type { NoteEntry } from "../protocol/transcript.ts";
import type { AgentSession } from "./ports.ts";
import { formatPrompt } from "./prompt_text.ts";

export class RecordedSession implements AgentSession {
  readonly #session: AgentSession;
  readonly #note: NoteEntry;

  constructor(session: AgentSession, note: NoteEntry) {
    this.#session = session;
    this.#note = note;
  }

  get conversation(): string | null {
    return this.#session.conversation;
  }

  get guesses(): boolean {
    return this.#session.guesses === true;
  }

  get usage(): Pick<AgentUsage, "tokens" | "cost"> {
    return this.#session.usage ?? { tokens: 0, cost: 0 };
  }

  async prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string> {
    const { dedupKey: promptId, role, phase, attempt } = envelope;
    this.#note("prompt", formatPrompt(envelope), { promptId, role, phase, attempt });
    try {
      const text = await this.#session.prompt(envelope, signal);
      this.#note("answer", text, { promptId });
      return text;
    } catch (thrown) {
      this.#note("failed", messageOf(thrown), { promptId });
      throw thrown;
    }
  }

  resume(signal: AbortSignal): Promise<void> {
    return this.#session.resume(signal);
  }

  end(): Promise<void> {
    return this.#session.end();
  }
}
