/**
 * What confines the code of a unit: the permissions of its worker, and the Landlock rules of its process
 * (sandbox/shim.ts).
 */
import type { LandlockRules } from "../base/landlock.ts";

/** The `deno.permissions` of Deno's Worker. Deno denies a missing key (measured, Deno 2.9.6). */
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

/** How the shim confines its process with Landlock before the worker exists. */
export interface Confinement {
  readonly rules: LandlockRules;
  /** Paths that the shim makes when they are missing; null: it makes no files of the unit (sandbox/own_files.ts). */
  readonly makes: readonly string[] | null;
  /** Whether this is the kernel's first confined process (sandbox/module_cache.ts). */
  readonly first: boolean;
}
