/** The state of one unit in unit_supervisor.ts. */
import type { CancelTimer } from "../base/time.ts";
import type { UnitPlan } from "./ports.ts";
import type { Death } from "./restart_policy.ts";
import type { UnitProcess } from "./unit_process.ts";

export type UnitState =
  | { readonly tag: "stopped" }
  | { readonly tag: "running"; readonly process: UnitProcess }
  | { readonly tag: "backoff"; readonly reason: string; readonly cancel: CancelTimer }
  /** `full`: its databases exceed the quota; the quarantine ends when they no longer do. */
  | { readonly tag: "quarantined"; readonly reason: string; readonly full: boolean };

export interface Unit {
  plan: UnitPlan;
  state: UnitState;
  /** The deaths that still count. */
  recentDeaths: Death[];
  deaths: number;
  /** Whether it has finished any work since its last death. */
  worked: boolean;
  /** How many starts in a row have failed, and why the last one did. */
  notStarted: { readonly times: number; readonly why: string } | null;
  /** When it was last needed, by the monotonic clock. */
  neededAt: number;
  cancelIdle: CancelTimer | null;
  /** When the grants of its process were last compared with the disk, by the monotonic clock. */
  grantsCheckedAt: number;
  /** Resolves when its next process may begin: not beside one that has the same files open. */
  after: Promise<void> | null;
}
