/**
 * Checks for `nerve validate` and `start` whether `listen` opens nerve to others without a token. The daemon checks,
 * too.
 */
import type { Clock } from "../base/time.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { DiagnosticList } from "../config/diagnostic_list.ts";
import type { ParsedConfig } from "../config/parse.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { isLoopback, openListenerHint, openListenerText } from "../protocol/hook.ts";
import { hasLiveToken } from "../store/access/live_tokens.ts";

export function checkOpenListener(
  { config, placeOf }: ParsedConfig,
  paths: WorkspacePaths,
  clock: Clock,
): Diagnostic[] {
  const { listen } = config, diagnostics = new DiagnosticList(placeOf);
  if (listen === null || isLoopback(listen.hostname) || hasLiveToken(paths.logDatabase, clock.now())) return [];
  diagnostics.error(["listen"], openListenerText(listen.hostname), openListenerHint);
  return diagnostics.sorted();
}
