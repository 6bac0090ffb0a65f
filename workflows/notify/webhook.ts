/** Sends JSON to a webhook or a service until it is accepted. Used by index.ts. */
import { type LogFunction, pause } from "nerve";
import { hideUserinfo } from "../../lib/url.ts";

export interface Delivery {
  readonly url: string;
  /** Default: POST. */
  readonly method?: "POST" | "PATCH";
  /** Headers beside the content type and the key. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  /** The header `Idempotency-Key`, the same at every attempt. */
  readonly key: string;
}

export interface Limits {
  /** The address without parts that may be secret, for people. */
  readonly shown: string;
  readonly attempts: number;
  /** The timeout of one attempt. */
  readonly timeoutMs: number;
  /** The delay before the second attempt; it doubles after each further one, up to `delayMaxMs`. */
  readonly firstDelayMs: number;
}

export interface Accepted {
  readonly status: number;
  readonly attempt: number;
  /** The beginning of the answer. */
  readonly answer: string;
}

const delayMaxMs = 60_000, answerMaxBytes = 16_384;

/** Throws when the receiver rejects it for good (a status from 300 to 499 except 408 and 429) or attempts run out. */
export async function post(
  delivery: Delivery,
  { attempts, timeoutMs, firstDelayMs, shown }: Limits,
  signal: AbortSignal,
  log: LogFunction,
): Promise<Accepted> {
  for (let attempt = 1;; attempt++) {
    const tried = await tryOnce(delivery, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]), shown);
    signal.throwIfAborted();
    const { status, answer } = typeof tried === "string" ? { status: null, answer: tried } : tried;
    if (status !== null && status >= 200 && status <= 299) return { status, attempt, answer };
    const reason = status === null ? answer : `status ${status}`;
    if (status !== null && isFinal(status)) throw new Error(`${shown} rejected it: ${reason}`);
    if (attempt >= attempts) throw new Error(`${shown} accepted none of ${attempts} attempts: ${reason}`);
    const waitMs = typeof tried === "string" ? 0 : tried.waitMs;
    const delayMs = Math.min(delayMaxMs, Math.max(waitMs, firstDelayMs * 2 ** (attempt - 1)));
    log("warn", `attempt ${attempt} failed: ${reason}`, { attempt, delayMs });
    await pause(delayMs, signal);
  }
}

interface Tried {
  readonly status: number;
  readonly answer: string;
  /** How long the receiver asks to wait. */
  readonly waitMs: number;
}

/** Returns the answer, or a text with the reason why there is none. */
async function tryOnce(
  { url, body, key, headers, method = "POST" }: Delivery,
  signal: AbortSignal,
  shown: string,
): Promise<Tried | string> {
  try {
    const all = { "content-type": "application/json", "idempotency-key": key, ...headers };
    const response = await fetch(url, { method, headers: all, body, redirect: "manual", signal });
    const waitMs = readRetryAfter(response.headers.get("retry-after") ?? "0");
    return { status: response.status, answer: await readBeginning(response), waitMs };
  } catch (thrown) {
    // Retrying does not help against a missing permission.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    if (!(thrown instanceof Error)) return String(thrown);
    const message = thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
    return hideUserinfo(message.replaceAll(url, shown));
  }
}

/** Reads seconds, or a date. */
function readRetryAfter(text: string): number {
  const waitMs = /^\s*\d/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : 0;
}

async function readBeginning(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > answerMaxBytes) break;
    }
  } catch (thrown) {
    // The status shows that it was accepted: another attempt because the rest is missing would deliver it twice.
    if (!response.ok) throw thrown;
  }
  return text.slice(0, answerMaxBytes);
}

/** Whether the receiver objects to the request itself: sending it again changes nothing. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
}
