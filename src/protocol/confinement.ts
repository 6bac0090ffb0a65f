/** What the shim does before its worker exists, where Landlock holds its process (sandbox/shim.ts). */
import type { LandlockRules } from "../base/landlock.ts";

export interface Confinement {
  readonly rules: LandlockRules;
  /** Paths that it makes when they are missing; null: it makes no files of the unit (sandbox/own_files.ts). */
  readonly makes: readonly string[] | null;
  /** Whether it is the first process of its kernel behind a wall (sandbox/module_cache.ts). */
  readonly first: boolean;
}
