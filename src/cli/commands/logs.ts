/** `nerve logs`: the end of the daemon's text log and, with -f, the lines that are added to it, across its rotation. */
import { dirname } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import { daemonAnswerMaxMs, logFilesKept } from "../../base/limits.ts";
import { parseLogLine } from "../../base/log_line.ts";
import { toPrintable } from "../../base/printable.ts";
import type { CancelTimer } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, isRunning } from "../../daemon/discovery.ts";
import { describeLockHolder } from "../../protocol/lock_holder.ts";
import { LogTail } from "../daemon/log_tail.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, print, sign, toJsonLine } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly follow: boolean;
  readonly lines?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const defaultLines = 50;

export async function logs(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const write = (line: string) => print(io, flags.json ? toJsonLine(toObject(line)) : toPrintable(line));
  const count = flags.lines ?? defaultLines;
  if (flags.follow) await follow(io, paths, count, write);
  else {
    using tail = new LogTail(paths.textLog);
    if (tail.found) findLastLines(paths.textLog, count, tail.read()).forEach(write);
    else if (!flags.json) print(io, `${sign.next} no log yet: ${noLogHint}`);
  }
  if (!flags.json) printFooter(io, paths);
  return exit.ok;
}

/** The last `count` lines, from the newest file and, if it has fewer, from older ones. */
function findLastLines(path: string, count: number, newest: readonly string[]): readonly string[] {
  let lines = newest;
  for (let number = 1; number <= logFilesKept && lines.length < count; number++) {
    const text = readText(`${path}.${number}`);
    if (text === null) break;
    lines = [...text.split("\n").filter((line) => line !== ""), ...lines];
  }
  return count === 0 ? [] : lines.slice(-count);
}

async function follow(io: CliIo, paths: WorkspacePaths, count: number, write: (line: string) => void): Promise<void> {
  const folder = dirname(paths.textLog);
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(folder, { recursive: false });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new NerveError("DAEMON_MISSING", `there is no log to follow yet: ${paths.textLog}`, { hint: noLogHint });
  }
  let open = true;
  const end = () => {
    if (open) watcher.close();
    open = false;
  };
  const cancelInterrupt = io.onInterrupt(end);
  io.stdout.gone.addEventListener("abort", end, { once: true });
  // The watch started before the tail, so it reports every line that the tail does not find yet.
  const tail = new LogTail(paths.textLog);
  let stopWatchingDaemon = () => {};
  try {
    findLastLines(paths.textLog, count, tail.read()).forEach(write);
    stopWatchingDaemon = warnWhenDaemonEnds(io, paths);
    for await (const { kind } of watcher) {
      if (kind !== "access") { for (const line of tail.read()) write(line); }
      if (!exists(folder)) break;
    }
  } finally {
    tail.close();
    stopWatchingDaemon();
    end();
    cancelInterrupt();
    io.stdout.gone.removeEventListener("abort", end);
  }
}

/** A log without a daemon looks like the log of a silent daemon, so the end of the daemon is reported on stderr. */
function warnWhenDaemonEnds(io: CliIo, paths: WorkspacePaths): CancelTimer {
  let ran = true, cancel: CancelTimer = () => {};
  const look = () => {
    const now = isRunning(findDaemon(paths));
    if (ran && !now) io.stderr.write(`${sign.warning} no daemon runs; the log continues at the next nerve start\n`);
    ran = now;
    cancel = io.clock.after(daemonAnswerMaxMs, look);
  };
  look();
  return () => cancel();
}

function toObject(text: string): unknown {
  return parseLogLine(text) ?? { message: text };
}

function printFooter(io: CliIo, paths: WorkspacePaths): void {
  print(io, dim(io, `text log: ${toPrintable(paths.textLog)}`));
  const { kernel, supervised } = findDaemon(paths);
  if (kernel === null || supervised !== null) return;
  if (kernel.kind === "embedded" || kernel.kind === "command") {
    return print(io, `${sign.next} ${toPrintable(describeLockHolder(kernel))}, writes no text log: nerve events`);
  }
  print(
    io,
    `${sign.next} the running daemon (pid ${kernel.pid}) does not write to this log but to its terminal, or to ` +
      `journalctl --user`,
  );
}

const noLogHint = "nerve start writes one; nerve events shows what happened in senses and workflows";

function readText(path: string): string | null {
  return ifPresent(() => Deno.readTextFileSync(path));
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
