/**
 * The protocol `terminal`: an interactive program in a terminal of its own (terminal.ts), into which prompts are typed.
 * Whether it waits for the next prompt is a guess: it prints nothing for a while, and its last line matches `ready`.
 * The text on the screen since the prompt is its answer.
 * I1. A program that has ended is started again for the next prompt, with `resume`, if there is one.
 */
import { agentAnswerMaxChars, agentStartMaxMs } from "../base/agent_limits.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import { type AgentAdapter, AgentFault, type AgentSession, type SessionSetting } from "./ports.ts";
import { formatPrompt } from "./prompt_text.ts";
import { Terminal } from "./terminal.ts";

export const terminalAdapter: AgentAdapter = {
  open: (setting, conversation) => Promise.resolve(new TerminalSession(setting, conversation)),
};

class TerminalSession implements AgentSession {
  readonly guesses = true;
  readonly #setting: SessionSetting;
  readonly #ready: RegExp | null;
  #conversation: string | null;
  #terminal: Terminal | null = null;

  constructor(setting: SessionSetting, conversation: string | null) {
    const { ready } = setting.definition;
    this.#setting = setting;
    this.#ready = ready === null ? null : new RegExp(ready);
    this.#conversation = conversation;
  }

  get conversation(): string | null {
    return this.#conversation;
  }

  async prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    try {
      const terminal = this.#terminal ?? await this.#start(signal), { idleMs } = this.#setting.definition;
      await terminal.forget();
      const before = await terminal.read(false), text = formatPrompt(envelope);
      await terminal.type(text);
      await terminal.whenQuiet(idleMs, this.#ready, signal);
      return cutAnswer(before, await terminal.read(true), text, this.#ready).slice(-agentAnswerMaxChars);
    } catch (thrown) {
      // It may still be working: the next prompt begins with a new program.
      await this.end();
      signal.throwIfAborted();
      throw thrown;
    }
  }

  async resume(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#terminal !== null) return;
    try {
      await this.#start(signal);
    } catch (thrown) {
      await this.end();
      signal.throwIfAborted();
      throw thrown;
    }
  }

  async end(): Promise<void> {
    const terminal = this.#terminal;
    this.#terminal = null;
    await terminal?.end();
  }

  async #start(signal: AbortSignal): Promise<Terminal> {
    const hasStarted = await this.#setting.mayStart(signal);
    try {
      // The caller that gave up has ended the session: nothing would end a program started now.
      signal.throwIfAborted();
      return await this.#startNow(signal);
    } finally {
      hasStarted();
    }
  }

  async #startNow(signal: AbortSignal): Promise<Terminal> {
    const { clock, definition: { command, resume, idleMs } } = this.#setting, begun = this.#conversation;
    const goesOn = resume !== null && begun !== null, id = goesOn ? begun : crypto.randomUUID();
    const words = goesOn ? resume : command;
    const terminal = this.#terminal = new Terminal(
      this.#setting,
      words.map((word) => word.replaceAll("{session}", id)),
    );
    void terminal.whenEnded().then(() => {
      if (this.#terminal === terminal) this.#terminal = null;
    });
    const late = new AbortController(),
      cancel = clock.after(agentStartMaxMs, () => {
        late.abort(new AgentFault("it did not get ready in time", true));
      });
    try {
      await terminal.whenQuiet(idleMs, this.#ready, AbortSignal.any([signal, late.signal]));
      // Set only now: before, it may not know the conversation.
      if (resume !== null) this.#conversation = id;
      return terminal;
    } finally {
      cancel();
    }
  }
}

/** The text on the screen since `before`, without the echo of the prompt and the line that shows that it is ready. */
function cutAnswer(before: string, after: string, prompt: string, ready: RegExp | null): string {
  const old = before.split("\n"), lines = after.split("\n");
  let from = 0;
  while (from < old.length && old[from] === lines[from]) from++;
  // Each line of the prompt takes at most one line of the screen: further below there is no echo.
  const typed = prompt.trimEnd().split("\n"), end = typed.at(-1)?.trim() ?? "";
  const echo = lines.slice(0, from + typed.length).findLastIndex((line, at) => at >= from && line.endsWith(end));
  const rest = lines.slice(echo < 0 ? from : echo + 1);
  if (ready?.test(rest.at(-1) ?? "") === true) rest.pop();
  return rest.join("\n").trim();
}
