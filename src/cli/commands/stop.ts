/**
 * `nerve stop`: asks the daemon to stop in order and waits until it is gone; what holds it too long is named and killed.
 * I1. It asks once: a daemon that is stopping already is only waited for, since a second request means "at once".
 * I2. Whom it kills is checked by start time: a pid that was given to somebody else is left alone.
 */
import { formatDuration } from "../../base/duration.ts";
import { isGoneProcess } from "../../base/if_present.ts";
import { daemonAnswerMaxMs, daemonStopMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import { type ProcessId, readProcessStat } from "../../base/process_id.ts";
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
import { daemonMissing } from "../../protocol/common_errors.ts";
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
  if (!isRunning(findDaemon(paths))) throw daemonMissing(paths.root);
  const outcome = await stopDaemon(io, paths, flags.timeout ?? daemonStopMaxMs);
  if (outcome === "interrupted") return exit.interrupted;
  return outcome === "in order" ? exit.ok : exit.failed;
}

/** Resolves when nothing of the daemon is left, or when Ctrl-C ended the wait; the stop goes on then. */
export async function stopDaemon(
  io: CliIo,
  paths: WorkspacePaths,
  limitMs: number,
): Promise<"in order" | "killed" | "interrupted"> {
  const found = findDaemon(paths), from = io.clock.monotonic();
  const before = await askWithinLimit(io, paths, async (client) => ({
    health: await client.health(),
    senses: await client.senses(),
  }), Math.min(limitMs, daemonAnswerMaxMs));
  let interrupted = false;
  const forget = io.onInterrupt(() => interrupted = true);
  const asking = new Asking(io, paths, found);
  const gone = await waitUntil(io.clock, limitMs, async () => {
    if (interrupted || !isRunning(findDaemon(paths))) return true;
    await asking.look();
    return false;
  }).finally(forget);
  const pid = found.kernel?.pid ?? found.supervised?.supervisor.pid;
  if (interrupted) {
    print(io, `${sign.asleep} not waiting any longer; the daemon (pid ${pid}) goes on stopping`);
    return "interrupted";
  }
  if (gone) {
    print(io, `${sign.ok} stopped (pid ${pid}) after ${took(io.clock, from)}`);
    return "in order";
  }
  for (const line of holders(paths, before)) print(io, `${sign.warning} ${line}`);
  await killAll(io.clock, paths);
  print(io, `${sign.died} killed (pid ${pid}) after ${formatDuration(limitMs)}; runs go on at the next start`);
  return "killed";
}

/** Asks for the stop: a supervisor by signal, which works without a kernel too, any other kernel over its API. */
class Asking {
  readonly #io: CliIo;
  readonly #paths: WorkspacePaths;
  readonly #from: number;
  #asked: boolean;

  constructor(io: CliIo, paths: WorkspacePaths, { supervised }: FoundDaemon) {
    this.#io = io;
    this.#paths = paths;
    this.#from = io.clock.monotonic();
    this.#asked = supervised?.state === "stopping";
    if (supervised !== null && !this.#asked) this.#signal(supervised.supervisor);
  }

  /** To be called again and again: a kernel that starts cannot be asked yet, one that stops cannot be asked any more. */
  async look(): Promise<void> {
    if (this.#asked) return;
    const { kernel, supervised } = findDaemon(this.#paths);
    if (supervised !== null) return this.#signal(supervised.supervisor);
    if (await socketAnswers(this.#paths)) {
      this.#asked = await askWithinLimit(this.#io, this.#paths, async (client) => {
        await client.stop();
        return true;
      }) === true;
    }
    const waited = this.#io.clock.monotonic() - this.#from;
    if (!this.#asked && kernel !== null && waited > daemonAnswerMaxMs) this.#signal(kernel);
  }

  #signal({ pid }: ProcessId): void {
    this.#asked = true;
    try {
      Deno.kill(pid, "SIGTERM");
    } catch (thrown) {
      // It has ended since; the wait will see it.
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }
}

interface Before {
  readonly health: Health;
  readonly senses: readonly SenseView[];
}

/** What is still at work, as far as can be seen from outside: the API is closed by now. */
function holders(paths: WorkspacePaths, before: Before | null): string[] {
  const { kernel, supervised } = findDaemon(paths), lines: string[] = [];
  const inState = (pid: number) => states[readProcessStat(pid)?.state ?? ""] ?? "ends";
  if (supervised !== null) lines.push(`supervisor ${supervised.supervisor.pid} ${inState(supervised.supervisor.pid)}`);
  if (kernel !== null) lines.push(`kernel ${kernel.pid} ${inState(kernel.pid)}`);
  for (const { kind, name, pid } of before?.health.units ?? []) {
    if (pid === null || readProcessStat(pid) === null) continue;
    const computing = before?.senses.filter(({ group, state }) => group === name && state.startsWith("running"));
    const doing = kind === "group" ? computing?.map((sense) => `a compute of ${sense.name}`) : runningRuns(paths, name);
    lines.push(`${kind} ${name}, process ${pid} ${inState(pid)}${doing?.length ? `: ${doing.join(", ")}` : ""}`);
  }
  return lines.map(toPrintable);
}

const states: Readonly<Record<string, string>> = {
  R: "is busy",
  S: "waits for something",
  D: "waits for a disk",
  T: "was stopped by a signal (SIGSTOP)",
  t: "is held by a debugger",
};

function runningRuns(paths: WorkspacePaths, workflow: string): string[] {
  using records = openRecords(paths);
  const page = records?.runs({ workflow, statuses: ["started"], limit: 5, offset: 0 });
  return (page?.items ?? []).map(({ runId, rounds }) => {
    const last = records?.messages(runId, { limit: 1 }).at(-1);
    return `run ${runId} after ${plural(rounds, "round")}${last === undefined ? "" : ` (last role ${last.role})`}`;
  });
}

/** First who would start the others again. */
async function killAll(clock: Clock, paths: WorkspacePaths): Promise<void> {
  const { kernel, supervised } = findDaemon(paths);
  if (supervised !== null) killProcesses([supervised.supervisor], "process");
  if (kernel !== null) killProcesses([kernel], "process");
  await waitUntil(clock, daemonAnswerMaxMs, () => !isRunning(findDaemon(paths)));
  killProcesses(findLeftovers(paths.root), "group");
  if (supervised !== null) removeState(paths, supervised.supervisor);
}

function took(clock: Clock, from: number): string {
  return formatDuration(Math.round((clock.monotonic() - from) / 100) * 100);
}
