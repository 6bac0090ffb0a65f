/**
 * Whether and when a failed role is tried again: reads `retry` of a role as its author wrote it, and applies it to a
 * failure. Pure; used by roles.ts and workflow_runtime.ts.
 */
import { calculateBackoff } from "../base/backoff.ts";
import { defaultRetryBackoffMaxMs, defaultRetryBackoffMs, retryWaitMaxMs, roleAttemptsMax } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isPlainObject } from "../protocol/json.ts";
import { readSpan } from "./spans.ts";

export interface RetryPlan {
  /** How often the role is tried, including the first attempt. */
  readonly attempts: number;
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Whether an error ends the run at once. May throw: it is the author's code. */
  readonly nonRetryable: (thrown: unknown) => boolean;
  readonly exhausted: "fail" | "pause";
}

/** The wait after the given number of failures; null when the role may not be retried after this error. */
export function findRetryWait(policy: RetryPlan, failures: number, thrown: unknown): number | null {
  if (failures >= policy.attempts || policy.nonRetryable(thrown)) return null;
  return calculateBackoff(failures, policy.backoffMs, policy.maxBackoffMs);
}

/** Reads `retry` of a role; without it a role has one attempt. */
export function readRetryPolicy(retry: unknown): Result<RetryPlan, string> {
  if (retry !== undefined && !isPlainObject(retry)) return err("has a retry that is not an object");
  const { attempts = retry === undefined ? 1 : undefined, backoff, maxBackoff, nonRetryable = [], ...others } = retry ??
    {};
  const { exhausted = "fail", ...rest } = others;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    return err(
      `has an unknown key retry.${unknown}: the keys are attempts, backoff, maxBackoff, nonRetryable and exhausted`,
    );
  }
  if (typeof attempts !== "number" || !Number.isInteger(attempts) || attempts < 1 || attempts > roleAttemptsMax) {
    return err(`has a retry.attempts that is not a whole number from 1 to ${roleAttemptsMax}`);
  }
  const backoffMs = readSpan("retry.backoff", backoff ?? defaultRetryBackoffMs, 0, retryWaitMaxMs);
  if (!backoffMs.ok) return backoffMs;
  const highest = maxBackoff ?? Math.max(defaultRetryBackoffMaxMs, backoffMs.value);
  const maxBackoffMs = readSpan("retry.maxBackoff", highest, backoffMs.value, retryWaitMaxMs);
  if (!maxBackoffMs.ok) return maxBackoffMs;
  const isFinal = readNonRetryable(nonRetryable);
  if (!isFinal.ok) return isFinal;
  if (exhausted !== "fail" && exhausted !== "pause") {
    return err('has a retry.exhausted that is neither "fail" nor "pause"');
  }
  const waits = { backoffMs: backoffMs.value, maxBackoffMs: maxBackoffMs.value };
  return ok({ attempts, ...waits, nonRetryable: isFinal.value, exhausted });
}

function readNonRetryable(value: unknown): Result<(thrown: unknown) => boolean, string> {
  if (typeof value === "function") return ok((thrown) => Boolean(value(thrown)));
  if (!Array.isArray(value) || value.some((name) => typeof name !== "string")) {
    return err("has a retry.nonRetryable that is neither a list of error names nor a function");
  }
  const names = new Set<unknown>(value);
  return ok((thrown) => thrown instanceof Error && (names.has(thrown.name) || names.has(thrown.constructor.name)));
}
