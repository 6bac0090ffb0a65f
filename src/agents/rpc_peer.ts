/**
 * One side of JSON-RPC 2.0 over lines of text: sends requests, and passes those of the other side to `onRequest`. Knows
 * nothing of processes or of what the methods mean. Used by acp_adapter.ts and fake_agent.ts.
 * I1. Every request settles: with its answer, or when `close` is called.
 * I2. Lines that are not messages are ignored: an agent may print other lines.
 */
import { isPlainObject } from "../protocol/json.ts";

/** The longest line; longer ones are ignored. */
const lineMaxChars = 8 * 1024 * 1024;
/** The code with which an agent reports an internal error: a retry may help. */
export const internalError = -32603;
const methodMissing = -32601;

/** The other side refused the request. */
export class RpcRefusal extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface RpcHandlers {
  send(line: string): void;
  onNotification(method: string, params: Record<string, unknown>): void;
  /** Undefined: there is no such method. */
  onRequest(method: string, params: Record<string, unknown>): Promise<unknown> | undefined;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
}

export class RpcPeer {
  readonly #handlers: RpcHandlers;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #line = "";
  /** Whether the rest of an overlong line is being ignored. */
  #skips = false;
  #closed: Error | null = null;

  constructor(handlers: RpcHandlers) {
    this.#handlers = handlers;
  }

  request(method: string, params: Record<string, unknown>): Promise<unknown> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  notify(method: string, params: Record<string, unknown>): void {
    this.#send({ method, params });
  }

  /** Takes the output of the other side, in pieces of any size. */
  receive(text: string): void {
    const [first = "", ...rest] = text.split("\n");
    this.#add(first);
    for (const line of rest) {
      if (!this.#skips) this.#handle(this.#line);
      this.#line = "";
      this.#skips = false;
      this.#add(line);
    }
  }

  /** No more answers will come. */
  close(reason: Error): void {
    this.#closed ??= reason;
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #add(text: string): void {
    if (this.#skips || this.#line.length + text.length > lineMaxChars) {
      this.#skips = true;
      this.#line = "";
    } else this.#line += text;
  }

  #handle(line: string): void {
    const message = parse(line);
    if (message === null) return;
    const { id, method } = message, params = isPlainObject(message.params) ? message.params : {};
    if (typeof method !== "string") return this.#settle(message);
    if (id === undefined || id === null) return this.#handlers.onNotification(method, params);
    const answer = this.#handlers.onRequest(method, params);
    if (answer === undefined) {
      return this.#send({ id, error: { code: methodMissing, message: `there is no method ${method.slice(0, 100)}` } });
    }
    answer.then(
      (result) => this.#send({ id, result }),
      (thrown) => this.#send({ id, error: { code: internalError, message: String(thrown) } }),
    );
  }

  #settle({ id, result, error }: Record<string, unknown>): void {
    if (typeof id !== "number") return;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (!isPlainObject(error)) return waiting?.resolve(result);
    const { code, message } = error;
    waiting?.reject(new RpcRefusal(typeof code === "number" ? code : internalError, String(message)));
  }

  #send(message: Record<string, unknown>): void {
    if (this.#closed === null) this.#handlers.send(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.trimStart().startsWith("{")) return null;
  try {
    const message: unknown = JSON.parse(line);
    return isPlainObject(message) ? message : null;
  } catch {
    // It is not JSON: I2.
    return null;
  }
}
