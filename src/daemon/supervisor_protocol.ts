/**
 * What the kernel's process says to its supervisor over its stdout, one JSON line each, and what the supervisor says to
 * `nerve start` over its own: one line, once. Both ends are ours and trusted; a line that is no record is passed on as
 * text, since whatever a dying process writes may be the reason.
 */
import type { LogLine } from "../base/log_line.ts";
import { isPlainObject } from "../protocol/json.ts";

/** Why something did not start; as in a NerveError, of which `code` is the code. */
export interface StartRefusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

/**
 * Codes with which a kernel's process ends: stopped in order, could not start, its workspace was taken away, at once on
 * request. Any other end is a death.
 */
export const kernelExit = { stopped: 0, refused: 1, gone: 3, atOnce: 130 } as const;

export type KernelRecord =
  | { readonly t: "line"; readonly line: LogLine }
  /** The control API answers. */
  | { readonly t: "ready" }
  | { readonly t: "stopping"; readonly cause: string }
  | { readonly t: "refused"; readonly refusal: StartRefusal };

/** What became of a start. `pid` is the kernel's. */
export type StartReport =
  | { readonly t: "started"; readonly pid: number; readonly supervisor: number }
  | { readonly t: "refused"; readonly refusal: StartRefusal };

/** Null: the line is no record. */
export function parseKernelRecord(text: string): KernelRecord | null {
  const record = parse(text);
  return record !== null && /^(line|ready|stopping|refused)$/.test(String(record.t)) ? record as KernelRecord : null;
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
    // Cut off in the middle by the end of its process.
    return null;
  }
}
