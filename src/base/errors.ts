/**
 * The errors of nerve. `NerveError` reports a failure outside nerve and what to do about it; `assert` catches our own
 * bugs. Callers branch on `code`, never on the message. protocol/common_errors.ts makes the errors of several rooms.
 */

import type { ErrorCode } from "./error_codes.ts";

export type { ErrorCode } from "./error_codes.ts";

/** An expected failure. `message` states what failed, `hint` what the operator can do about it. */
export class NerveError extends Error {
  override readonly name = "NerveError";
  readonly code: ErrorCode;
  readonly hint: string | null;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
  }
}

/** Throws when an invariant of nerve does not hold. Never used to check input. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`nerve bug: ${message}`);
}

/** Ends a switch over a closed union: a new variant does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new Error(`nerve bug: unexpected ${JSON.stringify(value)}`);
}

/** The message of any thrown value, on one line; `prepare` gets it before its lines are joined. Never throws. */
export function messageOf(thrown: unknown, prepare: (text: string) => string = (text) => text): string {
  const lines = prepare(textOf(thrown)).split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" | ") || "(no message)";
}

function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    // A message or toString that throws, or a revoked proxy: it has no text.
    return "(a value that cannot be shown)";
  }
}
