/**
 * The agent OpenCode from npm, and a model for it on this machine: a server of a few lines that speaks OpenAI's
 * protocol, needs no key, and answers each prompt `make FILE` with a command that makes it.
 */
import { findNpmProgram } from "./npm_program.ts";

const version = "1.18.33", arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";

/** Its binary needs neither Node nor an installation script. */
export function findOpencode(): Promise<{ readonly program: string } | { readonly missing: string }> {
  return findNpmProgram({
    ...{ name: `opencode-linux-${arch}`, version, path: "bin/opencode" },
    folder: `nerve-opencode-${version}`,
  });
}

/** Keeps it from connecting to anything outside this machine. */
export const opencodeVariables: Readonly<Record<string, string>> = {
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_MODELS_FETCH: "1",
};

interface ChatMessage {
  readonly role: string;
  readonly content: unknown;
}

export class ScriptedModel implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #held = Promise.withResolvers<void>();
  /** The messages that the agent has sent, except its requests for a title. */
  readonly asked: (readonly ChatMessage[])[] = [];
  /** From the prompt with this text on, nothing is answered until `release`. */
  holds: string | null = null;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => this.#answer(await request.json()),
    );
  }

  /** The opencode.json of its working folder. The agent asks before it runs a command. */
  get settings(): string {
    const models = { scripted: { name: "scripted" } }, { port } = this.#server.addr;
    const options = { baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "none" };
    return JSON.stringify({
      ...{ autoupdate: false, share: "disabled", permission: { bash: "ask", edit: "ask" } },
      provider: { local: { npm: "@ai-sdk/openai-compatible", name: "local", options, models } },
      ...{ model: "local/scripted", small_model: "local/scripted" },
    });
  }

  /** From now on everything is answered. */
  release(): void {
    this.holds = null;
    this.#held.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server.shutdown();
  }

  async #answer({ messages, tools = [] }: { messages: ChatMessage[]; tools?: unknown[] }): Promise<Response> {
    if (tools.length === 0) return stream([{ role: "assistant", content: "A title" }], "stop");
    this.asked.push(messages);
    const last = messages.findLast(({ role }) => role === "user"), text = JSON.stringify(last?.content);
    if (this.holds !== null && text.includes(this.holds)) await this.#held.promise;
    if (messages.at(-1)?.role === "tool") return stream([{ role: "assistant", content: "It is made." }], "stop");
    const [, file = "nothing.txt"] = /make ([\w.]+)/.exec(text) ?? [];
    const given = JSON.stringify({ command: `echo made > ${file}`, description: `make ${file}` });
    const call = { index: 0, id: `call_${this.asked.length}`, type: "function" };
    const calls = [{ ...call, function: { name: "bash", arguments: given } }];
    return stream([{ role: "assistant", tool_calls: calls }], "tool_calls");
  }
}

function stream(deltas: readonly unknown[], reason: string): Response {
  const about = { id: "c", object: "chat.completion.chunk", created: 1, model: "scripted" };
  const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
  const chunks = [
    ...deltas.map((delta) => ({ ...about, choices: [{ index: 0, delta, finish_reason: null }] })),
    { ...about, choices: [{ index: 0, delta: {}, finish_reason: reason }], usage },
  ];
  const text = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((each) => `data: ${each}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}
