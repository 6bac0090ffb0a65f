/** Sends a request until it is accepted. Used by index.ts. */
import { type LogFunction, pause } from "nerve";

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Removes secrets from a text. */
  readonly mask: (text: string) => string;
}

export interface Limits {
  readonly attempts: number;
  /** The timeout of one attempt. */
  readonly timeoutMs: number;
  /** The delay before the second attempt; it doubles after each further one, up to `delayMaxMs`. */
  readonly firstDelayMs: number;
  /** The longest wait that a server may ask for. */
  readonly retryAfterMaxMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly attempt: number;
  /** The beginning of the response body, if that is text. */
  readonly text: string;
}

const delayMaxMs = 60_000, textMaxBytes = 64 * 1024;

/** Throws when it is refused for good (a status from 300 to 499 except 408, 425 and 429) or attempts run out. */
export async function send(
  request: HttpRequest,
  limits: Limits,
  signal: AbortSignal,
  log: LogFunction,
): Promise<HttpAnswer> {
  const { attempts, timeoutMs, firstDelayMs, retryAfterMaxMs } = limits, { mask } = request;
  for (let attempt = 1;; attempt++) {
    const answer = await tryOnce(request, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    signal.throwIfAborted();
    const { status, text, retryAfterMs } = answer;
    if (status !== null && status >= 200 && status <= 299) return { status, attempt, text: mask(text) };
    const reason = mask(status === null ? text : `status ${status}`), said = mask(text).slice(0, 300);
    if (status !== null && isFinal(status)) throw new Error(`it was refused with ${reason}: ${said}`);
    if (attempt >= attempts) throw new Error(`none of ${attempts} attempts was accepted: ${reason}`);
    if (retryAfterMs !== null && retryAfterMs > retryAfterMaxMs) {
      throw new Error(
        `${reason}, and it asks to wait for ${Math.round(retryAfterMs / 1_000)} s: more than config.max_wait`,
      );
    }
    const delayMs = retryAfterMs ?? Math.min(delayMaxMs, firstDelayMs * 2 ** (attempt - 1));
    log("warn", `attempt ${attempt} failed: ${reason}`, { attempt, delayMs });
    await pause(delayMs, signal);
  }
}

interface Tried {
  /** Null: no answer; `text` has the reason. */
  readonly status: number | null;
  readonly text: string;
  readonly retryAfterMs: number | null;
}

async function tryOnce({ url, method, headers, body }: HttpRequest, signal: AbortSignal): Promise<Tried> {
  try {
    const response = await fetch(url, { method, headers: { ...headers }, body, redirect: "manual", signal });
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), Date.now());
    return { status: response.status, text: await readText(response), retryAfterMs };
  } catch (thrown) {
    // Retrying does not help against a missing permission.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
      return { status: null, text: "no answer in time", retryAfterMs: null };
    }
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const text = cause instanceof Error ? cause.message : String(cause);
    return { status: null, text: text.replace(/^error sending request.*?\): /, "").slice(0, 300), retryAfterMs: null };
  }
}

/** Reads at most `textMaxBytes`. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "", length = 0;
  for await (const part of response.body ?? []) {
    text += decoder.decode(part.subarray(0, Math.max(0, textMaxBytes - length)), { stream: true });
    length += part.length;
    if (length >= textMaxBytes) break;
  }
  return text;
}

/** Reads seconds, or a date. Null without the header, and for anything else. */
export function parseRetryAfter(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000;
  const at = /GMT$/.test(text.trim()) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

/** Whether the receiver objects to the request itself: sending it again changes nothing. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 425 && status !== 429;
}
