/**
 * `nerve start`: starts the daemon in the background (src/daemon/). Errors in nerve.yaml are found and printed here,
 * before anything is started or written.
 */
import { type ErrorCode, NerveError } from "../../base/errors.ts";
import { daemonStopMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import { version } from "../../base/version.ts";
import { formatProblems } from "../../config/diagnostic.ts";
import { loadNerveConfig } from "../../config/load.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { checkLock } from "../../config/permissions/lock_file.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, type FoundDaemon, isRunning, waitUntil } from "../../daemon/discovery.ts";
import { startDaemonProcess } from "../../daemon/start_daemon.ts";
import type { StartRefusal } from "../../daemon/supervisor_protocol.ts";
import { daemonRunning, embeddedRuns } from "../../protocol/common_errors.ts";
import { describeLockHolder } from "../../protocol/lock_holder.ts";
import { socketAnswers } from "../daemon/ask_daemon.ts";
import { warnOfMissingIndexes } from "../daemon/missing_indexes.ts";
import { type CliIo, exit } from "../io.ts";
import { checkOpenListener } from "../open_listener.ts";
import { dim, plural, print, sign, toPrintableLines } from "../render/terminal.ts";
import { refreshEditorTypes } from "../scaffold/editor_types.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly workspace?: string | undefined;
}

export async function start(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const parsed = await loadValidConfig(io, paths);
  await refreshEditorTypes(io, paths, parsed?.config.senses ?? null);
  if (parsed === null) return exit.failed;
  await waitForOtherDaemon(io, paths);
  return await startDaemon(io, paths, parsed);
}

/** Loads nerve.yaml. If it has errors, prints every problem and returns null. */
export async function loadValidConfig(io: CliIo, paths: WorkspacePaths): Promise<ParsedConfig | null> {
  const parsed = await loadNerveConfig(paths);
  if (!parsed.ok) {
    io.stderr.write(`${formatProblems(parsed.error, "text")}\n`);
    io.stderr.write(
      `${sign.failed} nothing was started\n   nerve validate shows the same errors, and loads the code too\n`,
    );
    return null;
  }
  return parsed.value;
}

/** Waits for a daemon that is stopping, and for another command. Throws DAEMON_RUNNING for any other holder. */
async function waitForOtherDaemon(io: CliIo, paths: WorkspacePaths): Promise<void> {
  const found = findDaemon(paths);
  if (!isRunning(found)) return;
  if (await staysUp(paths, found)) throw running(paths, found);
  const doing = found.kernel?.kind === "command" ? "holds the workspace" : "is starting or stopping";
  const who = found.kernel === null ? `the daemon (pid ${pidOf(found)})` : describeLockHolder(found.kernel);
  print(io, `${sign.asleep} ${toPrintable(who)} ${doing}; waiting for it`);
  const decided = await waitUntil(io.clock, daemonStopMaxMs, async () => {
    const now = findDaemon(paths);
    return !isRunning(now) || await staysUp(paths, now);
  });
  const now = findDaemon(paths);
  if (!decided || isRunning(now)) throw running(paths, now);
}

/** False while the daemon is stopping, and while its socket does not answer. */
async function staysUp(paths: WorkspacePaths, { kernel, supervised }: FoundDaemon): Promise<boolean> {
  if (supervised !== null) return supervised.state !== "stopping";
  if (kernel?.kind === "embedded") return true;
  return kernel !== null && await socketAnswers(paths);
}

function running(paths: WorkspacePaths, found: FoundDaemon): NerveError {
  if (found.kernel?.kind === "embedded") return embeddedRuns(paths.root, found.kernel);
  return daemonRunning(paths.root, pidOf(found), {
    hint: "nerve status shows it, nerve restart replaces it",
    detail: found.supervised?.state === "backoff" ? "its kernel died and is being started again" : null,
  });
}

function pidOf({ kernel, supervised }: FoundDaemon): number | string {
  return kernel?.pid ?? supervised?.supervisor.pid ?? "unknown";
}

export async function startDaemon(io: CliIo, paths: WorkspacePaths, parsed: ParsedConfig): Promise<number> {
  const { config, warnings } = parsed, abort = new AbortController();
  warnOfMissingIndexes(io, paths);
  const forget = io.onInterrupt(() => abort.abort());
  const report = await startDaemonProcess(paths, io.clock, abort.signal).finally(forget);
  if (report.t === "refused") throw toError(report.refusal);
  const held = await checkLock(parsed, paths), open = checkOpenListener(parsed, paths, io.clock);
  const problems = [...warnings, ...held, ...open];
  if (problems.length > 0) print(io, formatProblems(problems, "text"));
  if (warnings.some(({ holds }) => holds)) {
    print(io, `${sign.warning} what has an error does not run until that is gone`);
  }
  if (held.length > 0) print(io, `${sign.warning} what exceeds the permission lock does not run until it is approved`);
  if (open.length > 0) print(io, `${sign.warning} the listener stays closed until there is a token`);
  const parts = `${plural(config.senses.size, "sense")}, ${plural(config.workflows.size, "workflow")}`;
  print(io, `${sign.live} nerve ${version} runs ${toPrintable(paths.root)} (pid ${report.pid}): ${parts}`);
  print(io, dim(io, `   text log: ${toPrintable(paths.textLog)} (nerve logs -f)`));
  print(io, dim(io, "   next: nerve status, nerve sense list, nerve stop"));
  return exit.ok;
}

function toError({ code, message, hint }: StartRefusal): NerveError {
  // A failed start of the daemon has the exit code 1; DAEMON_MISSING would be 3.
  const known: ErrorCode = code === "DAEMON_MISSING" ? "DAEMON_ANSWER" : code as ErrorCode;
  return new NerveError(known, toPrintableLines(message), hint === null ? {} : { hint });
}
