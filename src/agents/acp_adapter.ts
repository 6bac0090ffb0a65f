/**
 * The protocol `acp`, the Agent Client Protocol version 1 over the input and output of a program: one program for each
 * session, which stays between prompts. The definition's rules (`allow`, `ask`, `deny`) decide the agent's permission
 * requests.
 * I1. A program that has died is started again for the next prompt, and continues the conversation if it can.
 * I2. Only the rules of nerve.yaml, or a person whom they ask, give permission: see tool_permissions.ts.
 */
import { agentAnswerMaxChars, agentStartMaxMs, leaveDetailMaxChars } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import { isPlainObject, type JsonObject } from "../protocol/json.ts";
import type { ToolRequest } from "./tool_permissions.ts";
import { AgentProgram } from "./agent_program.ts";
import { type AgentAdapter, AgentFault, type AgentSession, type SessionSetting } from "./ports.ts";
import { formatPrompt } from "./prompt_text.ts";
import { internalError, RpcPeer, RpcRefusal } from "./rpc_peer.ts";

export const acpAdapter: AgentAdapter = {
  open: (setting, conversation) => Promise.resolve(new AcpSession(setting, conversation)),
};

const protocolVersion = 1;

interface Connection {
  readonly program: AgentProgram;
  readonly peer: RpcPeer;
}

/** Creates the data that is sent with a prompt beside its text. */
type PromptMeta = (envelope: PromptEnvelope) => Promise<Record<string, unknown>>;

export class AcpSession implements AgentSession {
  readonly #setting: SessionSetting;
  readonly #meta: PromptMeta | null;
  #conversation: string | null;
  #connection: Connection | null = null;
  /** The end of the agent's text since the prompt. */
  #text = "";
  #listens = false;
  /** The last prompt's usage, from its answer or earlier updates. Reported costs cover the whole conversation. */
  usage = { tokens: 0, cost: 0 };
  #context = 0;
  #cost = 0;
  /** Aborts when the prompt is over: nothing waits for permission then. */
  #over = new AbortController();

  constructor(setting: SessionSetting, conversation: string | null, meta: PromptMeta | null = null) {
    this.#setting = setting;
    this.#meta = meta;
    this.#conversation = conversation;
  }

  get conversation(): string | null {
    return this.#conversation;
  }

  async prompt(envelope: PromptEnvelope, signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    const over = Promise.withResolvers<never>(), abort = () => over.reject(signal.reason);
    over.promise.catch(() => {}); // Handled where the promise is awaited.
    signal.addEventListener("abort", abort, { once: true });
    try {
      const { peer } = this.#connection ?? await Promise.race([this.#connect(signal), over.promise]);
      this.#text = "";
      this.#listens = true;
      this.#over = new AbortController();
      this.usage = { tokens: 0, cost: 0 };
      const prompt = [{ type: "text", text: formatPrompt(envelope) }];
      const more = this.#meta === null ? {} : { _meta: await this.#meta(envelope) };
      const asked = peer.request("session/prompt", { sessionId: this.#conversation, prompt, ...more });
      const { stopReason, usage } = Object(await Promise.race([asked, over.promise])), { totalTokens } = Object(usage);
      if (typeof totalTokens === "number") this.usage.tokens = totalTokens;
      if (stopReason !== "end_turn") throw new AgentFault(`it stopped: ${String(stopReason)}`);
      return this.#text.trim();
    } catch (thrown) {
      // It may still be working, or have answered in part: the next prompt begins with a new program.
      if (signal.aborted || !(thrown instanceof RpcRefusal)) await this.end();
      throw thrown instanceof RpcRefusal ? new AgentFault(`it refused: ${thrown.message}`, true) : thrown;
    } finally {
      this.#listens = false;
      this.#over.abort();
      signal.removeEventListener("abort", abort);
    }
  }

  async resume(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#connection !== null) return;
    const over = Promise.withResolvers<never>(), abort = () => over.reject(signal.reason);
    over.promise.catch(() => {}); // Handled where the promise is awaited.
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#connect(signal), over.promise]);
    } catch (thrown) {
      await this.end();
      throw thrown;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  async end(): Promise<void> {
    const connection = this.#connection;
    this.#connection = null;
    await connection?.program.end();
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const hasStarted = await this.#setting.mayStart(signal);
    try {
      // The caller that gave up has ended the session: nothing would end a program started now.
      signal.throwIfAborted();
      return await this.#start();
    } finally {
      hasStarted();
    }
  }

  async #start(): Promise<Connection> {
    const { definition, clock } = this.#setting;
    const peer: RpcPeer = new RpcPeer({
      send: (line) => void program.write(line),
      onNotification: (method, params) => method === "session/update" && this.#onUpdate(params.update),
      onRequest: (method, params) => method === "session/request_permission" ? this.#decide(params) : undefined,
    });
    const program: AgentProgram = new AgentProgram(
      this.#setting,
      definition.command,
      true,
      (text) => peer.receive(text),
    );
    const connection = this.#connection = { program, peer };
    void program.whenEnded().then(({ code }) => {
      if (this.#connection === connection) this.#connection = null;
      const { errors } = program, detail = errors === "" ? "" : `: ${errors}`;
      peer.close(new AgentFault(`its program ended with exit code ${code}${detail}`, true, true));
    });
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(agentStartMaxMs, () => late.reject(new AgentFault("it did not start in time", true)));
    try {
      await Promise.race([this.#begin(peer), late.promise]);
      return connection;
    } catch (thrown) {
      await this.end();
      if (!(thrown instanceof RpcRefusal)) throw thrown;
      throw new AgentFault(`it does not begin: ${messageOf(thrown)}`, thrown.code === internalError);
    } finally {
      cancel();
    }
  }

  /** Begins the conversation, or continues it. */
  async #begin(peer: RpcPeer): Promise<void> {
    const clientInfo = { name: "nerve", version: "1" };
    const about = Object(await peer.request("initialize", { protocolVersion, clientCapabilities: {}, clientInfo }));
    const place = { cwd: this.#setting.cwd, mcpServers: [] };
    if (this.#conversation !== null) {
      if (Object(about.agentCapabilities).loadSession !== true) {
        throw new AgentFault("it cannot go on with a conversation of another program");
      }
      await peer.request("session/load", { sessionId: this.#conversation, ...place });
      return;
    }
    const { sessionId } = Object(await peer.request("session/new", place));
    if (typeof sessionId !== "string" || sessionId === "") throw new AgentFault("it named no session");
    this.#conversation = sessionId;
  }

  /** The agent reports the size of its context and the cost of the conversation; both may restart with its program. */
  #onUsage({ used, cost }: Record<string, unknown>): void {
    const { amount } = Object(cost), grown = (now: number, before: number) => now >= before ? now - before : now;
    if (typeof used === "number") {
      if (this.#listens) this.usage.tokens += grown(used, this.#context);
      this.#context = used;
    }
    if (typeof amount !== "number") return;
    if (this.#listens) this.usage.cost += grown(amount, this.#cost);
    this.#cost = amount;
  }

  #onUpdate(update: unknown): void {
    if (Object(update).sessionUpdate === "usage_update") return this.#onUsage(Object(update));
    // Text before a prompt is the past of a continued conversation.
    if (!this.#listens) return;
    const { sessionUpdate, content, title, kind, status, locations } = Object(update), { type, text } = Object(content);
    if (sessionUpdate === "tool_call" || sessionUpdate === "tool_call_update") {
      this.#setting.note("did", toText(title), describeTool({ kind, status, locations }));
    }
    if (type !== "text" || typeof text !== "string") return;
    if (sessionUpdate === "agent_thought_chunk") this.#setting.note("thought", text);
    if (sessionUpdate !== "agent_message_chunk") return;
    this.#setting.note("said", text);
    this.#text = (this.#text + text).slice(-agentAnswerMaxChars);
  }

  async #decide({ toolCall, options }: Record<string, unknown>): Promise<unknown> {
    const { signal } = this.#over, given = await this.#setting.mayUse(readLeave(Object(toolCall)), signal);
    const wanted = given ? "allow_once" : "reject_once", list: unknown[] = Array.isArray(options) ? options : [];
    this.#setting.note("asked", toText(Object(toolCall).title), { ...describeTool(Object(toolCall)), answer: wanted });
    const option = list.find((each) => isPlainObject(each) && each.kind === wanted);
    if (option === undefined || signal.aborted) return { outcome: { outcome: "cancelled" } };
    return { outcome: { outcome: "selected", optionId: Object(option).optionId } };
  }
}

const aboutMaxChars = 1_000;

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The parts of a tool call that are short enough for the transcript. */
function describeTool({ kind, status, locations }: Record<string, unknown>): JsonObject {
  const paths = Array.isArray(locations) ? locations.slice(0, 10).map((each) => toText(Object(each).path)) : [];
  return {
    ...typeof kind === "string" && { kind: kind.slice(0, aboutMaxChars) },
    ...typeof status === "string" && { status: status.slice(0, aboutMaxChars) },
    ...paths.length > 0 && { paths: paths.map((path) => path.slice(0, aboutMaxChars)) },
  };
}

/** The permission request for a tool, as the agent describes it. */
function readLeave({ kind, title, locations, content, rawInput }: Record<string, unknown>): ToolRequest {
  const items = (value: unknown): Record<string, unknown>[] => Array.isArray(value) ? value.filter(isPlainObject) : [];
  const text = (value: unknown) => typeof value === "string" ? value : "";
  const diffs = items(content).filter(({ type }) => type === "diff");
  const paths = [...items(locations), ...diffs].map(({ path }) => text(path)).filter((path) => path !== "");
  const change = ({ path, oldText, newText }: Record<string, unknown>) => {
    const lines = (value: unknown, sign: string) => text(value).split("\n").map((line) => `${sign}${line}`).join("\n");
    return [`${text(path)}`, ...text(oldText) === "" ? [] : [lines(oldText, "-")], lines(newText, "+")].join("\n");
  };
  const input = rawInput === undefined ? "" : JSON.stringify(rawInput, null, 2);
  const detail = diffs.length > 0 ? diffs.map(change).join("\n") : input;
  const shown = detail.length > leaveDetailMaxChars ? `${detail.slice(0, leaveDetailMaxChars)}\n...` : detail;
  // Four spaces make it a code block, whatever it contains.
  const block = shown === "" ? "" : shown.split("\n").map((line) => `    ${line}`).join("\n");
  const what = text(title) || "a tool that it does not name";
  return {
    kind: text(kind) || "other",
    title: what.slice(0, 500),
    paths: [...new Set(paths)].slice(0, 100),
    detail: block,
  };
}
