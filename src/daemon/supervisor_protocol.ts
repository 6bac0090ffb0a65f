/**
 * The records that the kernel's process writes to its stdout for the supervisor, one JSON line each; and the report,
 * one line, that the supervisor writes to its stdout for `nerve start`. Both ends are ours and trusted. A line that is
 * not a record is logged as text, since the output of a dying process may say why it died.
 */
import type { LogLine } from "../base/log_line.ts";
import { isPlainObject } from "../protocol/json.ts";

/** Why a start failed: the code, message and hint of a NerveError. */
export interface StartRefusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/**
 * Exit codes of the kernel's process: stopped in order, failed to start, workspace removed, stopped at once on request.
 * Any other code is a death.
 */
export const kernelExit = { stopped: 0, refused: 1, gone: 3, atOnce: 130 } as const;

export type KernelRecord =
  | { readonly t: "line"; readonly line: LogLine }
  /** The control API answers. */
  | { readonly t: "ready" }
  /** The kernel's event loop runs. */
  | { readonly t: "beat" }
  | { readonly t: "stopping"; readonly cause: string }
  | { readonly t: "refused"; readonly refusal: StartRefusal };

/** The result of a start. `pid` is the kernel's. */
export type StartReport =
  | { readonly t: "started"; readonly pid: number; readonly supervisor: number }
  | { readonly t: "refused"; readonly refusal: StartRefusal };

/** Null when the line is not a record. */
export function parseKernelRecord(text: string): KernelRecord | null {
  const record = parse(text);
  return record !== null && /^(line|ready|beat|stopping|refused)$/.test(String(record.t))
    ? record as KernelRecord
    : null;
}

export function parseStartReport(text: string): StartReport | null {
  const report = parse(text);
  return report !== null && /^(started|refused)$/.test(String(report.t)) ? report as StartReport : null;
}

function parse(text: string): { readonly t?: unknown } | null {
  if (!text.startsWith('{"t":')) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? value : null;
  } catch {
    // The process ended in the middle of the line.
    return null;
  }
}
