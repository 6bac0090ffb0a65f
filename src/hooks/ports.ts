/** What hooks need from the log, the listening senses, and the variables. kernel/hook_wiring.ts implements it. */
import type { Clock } from "../base/time.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { JsonObject } from "../protocol/json.ts";

export interface HookPorts {
  readonly clock: Clock;
  /**
   * Writes the row of a delivery and its keys in one step. `stored` resolves with null once it is on disk and its
   * senses are triggered; otherwise with why it was lost.
   */
  append(row: NewLogRow, keys: readonly string[]): { readonly id: number; readonly stored: Promise<string | null> };
  /** Resolves when keys can be found; rejects when they cannot be read. */
  learnKeys(): Promise<void>;
  /** The row of a delivery that has one of these keys; null when none is known. */
  findKeys(keys: readonly string[]): number | null;
  /** The ids of a hook's deliveries after a row, oldest first. */
  listDeliveries(source: string, afterId: number, limit: number): number[];
  /** The newest delivery up to which all senses of the hook have processed; null when no sense listens. */
  heardUpTo(source: string): number | null;
  /** The value of a variable; null when it is not set, or empty. */
  readSecret(variable: string): string | null;
  /** Writes the row, or counts it as a repetition. True when it is new. */
  record(row: Omit<NewLogRow, "payload"> & { readonly payload: JsonObject }, kind: string): boolean;
  reportProblem(hook: string, message: string): void;
}
