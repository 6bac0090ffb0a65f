/**
 * The protocol `command`: a program runs once for each prompt, and its output is the answer. Flags in its command line
 * let it continue a conversation.
 */
import { agentAnswerMaxChars } from "../base/agent_limits.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import { isPlainObject } from "../protocol/json.ts";
import { AgentProgram } from "./agent_program.ts";
import { type AgentAdapter, AgentFault, type AgentSession, type SessionSetting } from "./ports.ts";
import { formatPrompt } from "./prompt_text.ts";

export const commandAdapter: AgentAdapter = {
  open: (setting, conversation) => Promise.resolve(new CommandSession(setting, conversation)),
};

class CommandSession implements AgentSession {
  readonly #setting: SessionSetting;
  #conversation: string | null;
  #current: AgentProgram | null = null;
  #output: Output | null = null;

  constructor(setting: SessionSetting, conversation: string | null) {
    this.#setting = setting;
    this.#conversation = conversation;
  }

  get usage(): { readonly tokens: number; readonly cost: number } {
    return this.#output?.usage ?? { tokens: 0, cost: 0 };
  }

  get conversation(): string | null {
    return this.#conversation;
  }

  async prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const { command, resume, sessionField } = this.#setting.definition, begun = this.#conversation;
    const goesOn = resume !== null && begun !== null, session = goesOn ? begun : crypto.randomUUID();
    const words = goesOn ? resume : command, text = formatPrompt(envelope);
    const line = words.map((word) =>
      word.replaceAll(/\{(prompt|session)\}/g, (_, name) => name === "prompt" ? text : session)
    );
    const reads = !words.some((word) => word.includes("{prompt}")), output = this.#output = new Output(sessionField);
    const hasStarted = await this.#setting.mayStart(signal);
    if (signal.aborted) hasStarted();
    signal.throwIfAborted();
    const program = this.#start(line, reads, output, hasStarted);
    if (reads) void program.write(text, true);
    this.#current = program;
    const end = () => void program.end();
    signal.addEventListener("abort", end, { once: true });
    try {
      const status = await program.whenEnded();
      output.finish();
      signal.throwIfAborted();
      if (!status.success) throw new AgentFault(describeEnd(status, program.errors, output.text), true);
      this.#conversation = sessionField === null ? session : output.session ?? begun;
      return output.text.trim();
    } finally {
      signal.removeEventListener("abort", end);
      this.#current = null;
    }
  }

  /** The program counts as started when it prints, or has ended. */
  #start(line: readonly string[], reads: boolean, output: Output, hasStarted: () => void): AgentProgram {
    try {
      const program = new AgentProgram(this.#setting, line, reads, (part) => {
        hasStarted();
        output.add(part);
        this.#setting.note("said", part);
      });
      void program.whenEnded().then(hasStarted);
      return program;
    } catch (thrown) {
      hasStarted();
      throw thrown;
    }
  }

  /** No program runs between prompts. */
  resume(signal: AbortSignal): Promise<void> {
    return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve();
  }

  async end(): Promise<void> {
    await this.#current?.end();
  }
}

function describeEnd({ code, signal }: Deno.CommandStatus, errors: string, output: string): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  const detail = errors !== "" ? errors : output.trim().slice(-500);
  return detail === "" ? how : `${how}: ${detail}`;
}

/** At most so much of a JSON line is read for the id of the conversation. */
const jsonLineMaxChars = 1024 * 1024;

/** The end of the program's output, and the id of the conversation that it reports. */
class Output {
  readonly #field: string | null;
  /** Together the newest `agentAnswerMaxChars` at least, if there are as many. */
  #older = "";
  #newer = "";
  #line = "";
  session: string | null = null;
  /** From lines of JSON: the newest cost, and the tokens of all lines. */
  readonly usage = { tokens: 0, cost: 0 };

  constructor(field: string | null) {
    this.#field = field;
  }

  add(text: string): void {
    this.#newer += text;
    if (this.#newer.length >= agentAnswerMaxChars) [this.#older, this.#newer] = [this.#newer, ""];
    this.#look(text);
  }

  /** The output has ended. */
  finish(): void {
    this.#look("\n");
  }

  get text(): string {
    return (this.#older + this.#newer).slice(-agentAnswerMaxChars);
  }

  #look(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = (lines.pop() ?? "").slice(0, jsonLineMaxChars);
    for (const line of lines) this.#read(line);
  }

  #read(line: string): void {
    const printed = parseLine(line);
    if (printed === null) return;
    const id = this.#field === null ? null : printed[this.#field], { total_cost_usd: cost, usage } = printed;
    if (typeof id === "string" && id !== "") this.session ??= id;
    if (typeof cost === "number") this.usage.cost = cost;
    const { input_tokens: read, output_tokens: written } = Object(usage);
    if (typeof read !== "number" || typeof written !== "number") return;
    // The last line of some programs sums up all lines before.
    this.usage.tokens = typeof cost === "number" ? read + written : this.usage.tokens + read + written;
  }
}

function parseLine(line: string): Record<string, unknown> | null {
  if (!line.trimStart().startsWith("{")) return null;
  try {
    const object: unknown = JSON.parse(line);
    return isPlainObject(object) ? object : null;
  } catch {
    // It is not JSON: the agent also prints other text.
    return null;
  }
}
