/** The checks of `nerve doctor`: each checks one thing, reports its state, and suggests how to fix a problem. */
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";

export interface Finding {
  /** The name of the check; always the same for one check. */
  readonly check: string;
  readonly level: "ok" | "warning" | "failed";
  readonly message: string;
  /** What to do about it; null when nothing is wrong. */
  readonly hint: string | null;
}

export type Check = (paths: WorkspacePaths, clock: Clock) => Finding[] | Promise<Finding[]>;

export function passed(check: string, message: string): Finding {
  return { check, level: "ok", message, hint: null };
}

export function warning(check: string, message: string, hint: string): Finding {
  return { check, level: "warning", message, hint };
}

export function failed(check: string, message: string, hint: string): Finding {
  return { check, level: "failed", message, hint };
}
