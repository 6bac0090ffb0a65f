/** What `nerve doctor` is made of: a check looks at one thing and says how it is, and what to do when it is not well. */
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";

export interface Finding {
  /** What was looked at, in one fixed word. */
  readonly check: string;
  readonly level: "ok" | "warning" | "failed";
  readonly message: string;
  /** What to do; null when all is well. */
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
