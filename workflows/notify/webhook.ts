/** Posts JSON to a webhook until it is accepted. Used by index.ts. */
import { type LogFunction, pause } from "nerve";
import { hideUserinfo } from "../../lib/url.ts";

export interface Delivery {
  readonly url: string;
  readonly body: string;
  /** The header `Idempotency-Key`, the same at every attempt. */
  readonly key: string;
}

export interface Limits {
  readonly attempts: number;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Before the second attempt; it doubles after each further one, up to `delayMaxMs`. */
  readonly firstDelayMs: number;
}

const delayMaxMs = 60_000;

/** Throws when the receiver rejects it for good (a status from 300 to 499 except 408 and 429) or attempts run out. */
export async function post(
  delivery: Delivery,
  { attempts, timeoutMs, firstDelayMs }: Limits,
  signal: AbortSignal,
  log: LogFunction,
): Promise<{ status: number; attempt: number }> {
  const shown = hideUserinfo(delivery.url);
  for (let attempt = 1;; attempt++) {
    const answer = await tryOnce(delivery, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    signal.throwIfAborted();
    if (typeof answer === "number" && answer >= 200 && answer <= 299) return { status: answer, attempt };
    const reason = typeof answer === "number" ? `status ${answer}` : answer;
    if (typeof answer === "number" && isFinal(answer)) throw new Error(`${shown} rejected it: ${reason}`);
    if (attempt >= attempts) throw new Error(`${shown} accepted none of ${attempts} attempts: ${reason}`);
    const delayMs = Math.min(delayMaxMs, firstDelayMs * 2 ** (attempt - 1));
    log("warn", `attempt ${attempt} failed: ${reason}`, { attempt, delayMs });
    await pause(delayMs, signal);
  }
}

/** The status, or a text that says why there is none. */
async function tryOnce({ url, body, key }: Delivery, signal: AbortSignal): Promise<number | string> {
  try {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    await response.body?.cancel();
    return response.status;
  } catch (thrown) {
    // Retrying does not help against a missing permission.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    if (!(thrown instanceof Error)) return String(thrown);
    return hideUserinfo(thrown.cause instanceof Error ? thrown.cause.message : thrown.message);
  }
}

/** The receiver objects to the request itself: sending it again changes nothing. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 429;
}
