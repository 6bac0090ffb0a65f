/**
 * Checks what the two walls make of grants: programs where there is no Landlock, and files that Deno opens to no code.
 * Called by check_grants.ts.
 */
import { landlockHint, noLandlock, systemLandlock } from "../../base/landlock.ts";
import { type ConfigPath, quote } from "../diagnostic.ts";
import type { DiagnosticList } from "../diagnostic_list.ts";
import type { NerveConfig, PermissionRequest } from "../types.ts";
import type { GrantContext } from "./grants.ts";
import { pathContains } from "./path_contains.ts";

/** If nerve.yaml requires Landlock and the system has none, nothing may run. */
export function checkIsolation(
  { isolation }: NerveConfig,
  { landlock = systemLandlock }: GrantContext,
  diagnostics: DiagnosticList,
): void {
  if (isolation === "prefer" || landlock() > 0) return;
  diagnostics.error(["isolation"], `${noLandlock}, and isolation: require refuses to run without it`, landlockHint);
}

/** Warns of programs that no Landlock holds. `unconfined` has a warning of its own. */
export function warnUnheld(
  { run, unconfined }: PermissionRequest,
  path: ConfigPath,
  { landlock = systemLandlock }: GrantContext,
  diagnostics: DiagnosticList,
): void {
  if (run === undefined || unconfined === true || landlock() > 0) return;
  const message = `run opens the sandbox: ${noLandlock}, so a program runs with all your rights`;
  diagnostics.warning([...path, "run"], message, "grant only programs that report");
}

/** Warns of a grant that opens nothing, or more than it seems to. */
export function warnOfSystem(
  permission: "read" | "write",
  value: string,
  at: ConfigPath,
  runs: boolean,
  diagnostics: DiagnosticList,
): void {
  const what = `${permission} of ${quote(value)}`;
  if (isNeverGranted(permission, value)) {
    // Landlock opens it to programs.
    if (runs) return;
    diagnostics.warning(
      at,
      `${what} opens nothing: Deno denies /proc, /sys and /dev to all code without full trust`,
      "run a program such as ps, df or ip; readSystemFile of nerve reads files below /proc and /sys",
    );
  } else if (runs && permission === "read" && pathContains("/proc", value) && pathContains(value, "/proc/1")) {
    diagnostics.warning(
      at,
      `${what} opens the environment of all your processes, the daemon's too, to the programs that it runs`,
      "leave it out, unless they are to see other processes, as ps does",
    );
  }
}

/** The only files in /dev that a grant of the path opens (measured, Deno 2.9.6). */
const openDevices = ["/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];

/** Whether no code in the sandbox ever gets the path, whatever is granted. */
export function isNeverGranted(permission: "read" | "write", value: string): boolean {
  if (openDevices.includes(value) || (permission === "read" && value === "/dev/tty")) return false;
  // readSystemFile (sandbox/system_files.ts) reads files below the other two.
  return (permission === "read" ? ["/dev"] : ["/dev", "/proc", "/sys"]).some((folder) => pathContains(folder, value));
}
