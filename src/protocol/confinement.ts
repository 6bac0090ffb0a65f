/** What holds the code of a unit: the permissions of its worker, and what Landlock holds its process to (sandbox/shim.ts). */
import type { LandlockRules } from "../base/landlock.ts";

/** What Deno's Worker takes as `deno.permissions`. Deno denies a missing key (measured, Deno 2.9.6). */
export interface SandboxPermissions {
  readonly read: readonly string[] | boolean;
  readonly write: readonly string[] | boolean;
  readonly net: readonly string[] | boolean;
  readonly env: readonly string[] | boolean;
  readonly run: readonly string[] | boolean;
  readonly sys: readonly string[] | boolean;
  readonly ffi: readonly string[] | boolean;
  readonly import: readonly string[] | boolean;
}

/** What the shim does before its worker exists, where Landlock holds its process. */
export interface Confinement {
  readonly rules: LandlockRules;
  /** Paths that it makes when they are missing; null: it makes no files of the unit (sandbox/own_files.ts). */
  readonly makes: readonly string[] | null;
  /** Whether it is the first process of its kernel behind a wall (sandbox/module_cache.ts). */
  readonly first: boolean;
}
