/**
 * `nerve stop`: asks the daemon for an orderly stop and waits until it has ended. After the time limit, it names what
 * still runs, and kills it.
 * I1. It asks once, and not at all when the daemon is already stopping: a second request means "stop at once".
 * I2. Before a kill it checks the process's start time, so that a reused pid is left alone.
 * I3. It sends no signal to a program that embeds nerve, nor to another nerve command: it asks such a kernel over its
 *     API, and the program continues.
 */
import { formatDuration } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { isGoneProcess } from "../../base/if_present.ts";
import { daemonAnswerMaxMs, daemonStopMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import { type ProcessId, processStateTexts, readProcessStat } from "../../base/process_id.ts";
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import {
  findDaemon,
  findLeftovers,
  type FoundDaemon,
  isRunning,
  killProcesses,
  waitUntil,
} from "../../daemon/discovery.ts";
import { removeState } from "../../daemon/state_file.ts";
import type { Health, SenseView } from "../../protocol/api.ts";
import { daemonMissing, workspaceHeld } from "../../protocol/common_errors.ts";
import type { LockHolder } from "../../protocol/lock_holder.ts";
import { askWithinLimit, socketAnswers } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecords } from "../open_records.ts";
import { plural, print, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly timeout?: number | undefined;
  readonly workspace?: string | undefined;
}

export async function stop(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const found = findDaemon(paths);
  if (!isRunning(found)) throw daemonMissing(paths.root);
  const outcome = await stopDaemon(io, paths, flags.timeout ?? daemonStopMaxMs);
  if (outcome === "interrupted") return exit.interrupted;
  return outcome === "in order" ? exit.ok : exit.failed;
}

/** Resolves when the daemon has ended, or when Ctrl-C ends the wait; the stop then continues without us. */
export async function stopDaemon(
  io: CliIo,
  paths: WorkspacePaths,
  limitMs: number,
): Promise<"in order" | "killed" | "interrupted"> {
  const found = findDaemon(paths), startedAt = io.clock.monotonic(), alien = findAlien(found);
  if (alien !== null && (alien.kind === "command" || !await socketAnswers(paths))) {
    throw workspaceHeld(paths.root, alien, { hint: "nerve status" });
  }
  const before = await askWithinLimit(io, paths, async (client) => ({
    health: await client.health(),
    senses: await client.senses(),
  }), Math.min(limitMs, daemonAnswerMaxMs));
  let interrupted = false;
  const cancelInterrupt = io.onInterrupt(() => interrupted = true);
  const request = new StopRequest(io, paths, found);
  const gone = await waitUntil(io.clock, limitMs, async () => {
    if (interrupted || !isRunning(findDaemon(paths))) return true;
    await request.retry();
    return false;
  }).finally(cancelInterrupt);
  const pid = found.kernel?.pid ?? found.supervised?.supervisor.pid;
  if (interrupted) {
    print(io, `${sign.asleep} no longer waiting; the daemon (pid ${pid}) is still stopping`);
    return "interrupted";
  }
  if (gone) {
    const what = alien === null ? `stopped (pid ${pid})` : `stopped the kernel of ${nameOf(alien)}, which goes on,`;
    print(io, `${sign.ok} ${what} after ${formatElapsedSince(io.clock, startedAt)}`);
    return "in order";
  }
  if (alien !== null) {
    const message = `the kernel of ${nameOf(alien)} still stops after ${formatDuration(limitMs)}`;
    throw new NerveError("DAEMON_ANSWER", message, { hint: "it was not ended: it is not a program of nerve" });
  }
  for (const line of describeHolders(paths, before)) print(io, `${sign.warning} ${line}`);
  await killAll(io.clock, paths);
  print(io, `${sign.died} killed (pid ${pid}) after ${formatDuration(limitMs)}; runs continue at the next start`);
  return "killed";
}

/** The holder of the workspace, if it is not a daemon of nerve. */
function findAlien({ kernel, supervised }: FoundDaemon): LockHolder | null {
  const daemon = supervised !== null || kernel?.kind === "daemon" || kernel?.kind === "foreground";
  return daemon ? null : kernel;
}

function nameOf(holder: LockHolder): string {
  return toPrintable(`${holder.program} (pid ${holder.pid})`);
}

/** Requests the stop: by signal from a supervisor, even without a kernel; over the API from any other kernel. */
class StopRequest {
  readonly #io: CliIo;
  readonly #paths: WorkspacePaths;
  readonly #startedAt: number;
  #sent: boolean;

  constructor(io: CliIo, paths: WorkspacePaths, { supervised }: FoundDaemon) {
    this.#io = io;
    this.#paths = paths;
    this.#startedAt = io.clock.monotonic();
    this.#sent = supervised?.state === "stopping";
    if (supervised !== null && !this.#sent) this.#signal(supervised.supervisor);
  }

  /** Sends the request unless it was sent. Called repeatedly: a kernel that is starting cannot receive it yet. */
  async retry(): Promise<void> {
    if (this.#sent) return;
    const { kernel, supervised } = findDaemon(this.#paths);
    if (supervised !== null) return this.#signal(supervised.supervisor);
    if (await socketAnswers(this.#paths)) {
      this.#sent = await askWithinLimit(this.#io, this.#paths, async (client) => {
        await client.stop();
        return true;
      }) === true;
    }
    const waited = this.#io.clock.monotonic() - this.#startedAt;
    const ours = kernel?.kind === "daemon" || kernel?.kind === "foreground";
    if (!this.#sent && ours && waited > daemonAnswerMaxMs) this.#signal(kernel);
  }

  #signal({ pid }: ProcessId): void {
    this.#sent = true;
    try {
      Deno.kill(pid, "SIGTERM");
    } catch (thrown) {
      // The process has just ended, which the wait will notice.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }
}

interface Before {
  readonly health: Health;
  readonly senses: readonly SenseView[];
}

/** What still runs, as far as it is visible from outside: the API is already closed. */
function describeHolders(paths: WorkspacePaths, before: Before | null): string[] {
  const { kernel, supervised } = findDaemon(paths), lines: string[] = [];
  const inState = (pid: number) => processStateTexts[readProcessStat(pid)?.state ?? ""] ?? "is ending";
  if (supervised !== null) lines.push(`supervisor ${supervised.supervisor.pid} ${inState(supervised.supervisor.pid)}`);
  if (kernel !== null) lines.push(`kernel ${kernel.pid} ${inState(kernel.pid)}`);
  for (const { kind, name, pid } of before?.health.units ?? []) {
    if (pid === null || readProcessStat(pid) === null) continue;
    const computing = before?.senses.filter(({ group, state }) => group === name && state.startsWith("running"));
    const doing = kind === "group"
      ? computing?.map((sense) => `a compute of ${sense.name}`)
      : describeRuns(paths, name);
    lines.push(`${kind} ${name}, process ${pid} ${inState(pid)}${doing?.length ? `: ${doing.join(", ")}` : ""}`);
  }
  return lines.map(toPrintable);
}

function describeRuns(paths: WorkspacePaths, workflow: string): string[] {
  using records = openRecords(paths);
  const page = records?.runs({ workflow, statuses: ["started"], limit: 5, offset: 0 });
  return (page?.items ?? []).map(({ runId, rounds }) => {
    const last = records?.messages(runId, { limit: 1 }).at(-1);
    return `run ${runId} after ${plural(rounds, "round")}${last === undefined ? "" : ` (last role ${last.role})`}`;
  });
}

/** Kills the supervisor first, because it would restart the kernel. */
async function killAll(clock: Clock, paths: WorkspacePaths): Promise<void> {
  const { kernel, supervised } = findDaemon(paths);
  if (supervised !== null) killProcesses([supervised.supervisor], "process");
  if (kernel !== null) killProcesses([kernel], "process");
  await waitUntil(clock, daemonAnswerMaxMs, () => !isRunning(findDaemon(paths)));
  killProcesses(findLeftovers(paths.root), "group");
  if (supervised !== null) removeState(paths, supervised.supervisor);
}

function formatElapsedSince(clock: Clock, startedAt: number): string {
  return formatDuration(Math.round((clock.monotonic() - startedAt) / 100) * 100);
}
