/** `nerve status`: what runs in the workspace and in which state, and the last problems, which need no daemon. */
import { formatDuration, formatSize } from "../../base/duration.ts";
import { NerveError, unreachable } from "../../base/errors.ts";
import { describeMissingInit } from "../../base/init_process.ts";
import { describeUnheld } from "../../base/landlock.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findDaemon, type FoundDaemon } from "../../daemon/discovery.ts";
import type { Health } from "../../protocol/api.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { HolderName } from "../../protocol/lock_holder.ts";
import type { LogRow } from "../../protocol/log.ts";
import { askWithinLimit } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { readOpenProblems } from "../last_problems.ts";
import { openRecords } from "../open_records.ts";
import {
  dim,
  formatDateTime,
  formatDistance,
  plural,
  print,
  printJson,
  printTable,
  sign,
  toOneLine,
} from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";
import { formatListener } from "./hook_list.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/**
 * `running`: the daemon answers. `starting`, `stopping`, `restarting` (the kernel died and is being restarted) and
 * `hanging`: its process exists but does not answer. `embedded`: a program that embeds nerve does not answer, since it
 * serves no control API. `busy`: a nerve command has exclusive use of the workspace. `down`, `gave up` (the kernel died
 * too often) and `killed`: nothing runs.
 */
export type DaemonCondition =
  | "running"
  | "starting"
  | "stopping"
  | "restarting"
  | "hanging"
  | "embedded"
  | "busy"
  | "down"
  | "gave up"
  | "killed";

/** What `--json` prints. */
export interface StatusDocument {
  readonly condition: DaemonCondition;
  readonly workspace: string;
  /** Where the control API listens while the daemon runs. */
  readonly socket: string;
  /** The kernel's process. */
  readonly pid: number | null;
  /** Who holds the workspace: a daemon of nerve, or a program that embeds it. */
  readonly holder: HolderName | null;
  /** The supervisor's process. Null when no daemon runs, or when it runs in the foreground. */
  readonly supervisor: number | null;
  /** How often the kernel died under this supervisor. */
  readonly deaths: number;
  /**
   * Why the kernel last died or was given up, why the log cannot be written, or what is wrong with nerve.yaml on disk.
   */
  readonly problem: string | null;
  readonly health: Health | null;
  /**
   * Problem rows of the log that no later good row has ended (cli/last_problems.ts), newest last. Empty when the log
   * cannot be read; `logProblem` then contains the reason.
   */
  readonly lastProblems: readonly LogRow[];
  readonly logProblem: string | null;
}

export async function status(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const document = await readStatus(io, paths);
  if (flags.json) printJson(io, document);
  else show(io, document, paths);
  if (document.health !== null) return exit.ok;
  return document.pid === null && document.supervisor === null ? exit.noDaemon : exit.failed;
}

async function readStatus(io: CliIo, paths: WorkspacePaths): Promise<StatusDocument> {
  const found = findDaemon(paths), { kernel, supervised, lastState } = found;
  const health = kernel === null ? null : await askWithinLimit(io, paths, (client) => client.health());
  return {
    condition: findCondition(found, health),
    workspace: paths.root,
    socket: paths.socket,
    pid: kernel?.pid ?? null,
    holder: kernel === null ? null : { kind: kernel.kind, program: kernel.program },
    supervisor: supervised?.supervisor.pid ?? null,
    deaths: supervised?.deaths ?? lastState?.deaths ?? 0,
    problem: health?.storeError ?? health?.configError ?? supervised?.problem ?? lastState?.problem ?? null,
    health,
    ...readLastProblems(paths),
  };
}

function findCondition({ kernel, supervised, lastState }: FoundDaemon, health: Health | null): DaemonCondition {
  if (supervised?.state === "stopping") return "stopping";
  if (health !== null) return "running";
  if (supervised !== null && kernel === null) return "restarting";
  if (supervised?.state === "starting") return "starting";
  if (kernel?.kind === "embedded") return "embedded";
  if (kernel?.kind === "command") return "busy";
  if (kernel !== null) return "hanging";
  if (lastState === null) return "down";
  return lastState.state === "gave up" ? "gave up" : "killed";
}

const problemsShown = 5, warningsShown = 5;

/** A damaged log is reported, but the rest is still shown. */
function readLastProblems(paths: WorkspacePaths): Pick<StatusDocument, "lastProblems" | "logProblem"> {
  try {
    using records = openRecords(paths);
    return { lastProblems: records === null ? [] : readOpenProblems(records, problemsShown), logProblem: null };
  } catch (thrown) {
    if (!(thrown instanceof NerveError)) throw thrown;
    return { lastProblems: [], logProblem: thrown.message };
  }
}

function show(io: CliIo, document: StatusDocument, paths: WorkspacePaths): void {
  for (const line of formatHeadline(document)) print(io, line);
  if (document.health !== null) showHealth(io, document.health);
  if (document.logProblem !== null) {
    print(io, `${sign.warning} the log of events cannot be read: ${toOneLine(document.logProblem, 300)}: nerve doctor`);
  }
  if (document.lastProblems.length > 0) {
    print(io, dim(io, "LAST PROBLEMS"));
    for (const row of document.lastProblems) print(io, formatProblemRow(row));
  }
  print(io, dim(io, `   socket: ${toPrintable(paths.socket)}`));
  print(io, dim(io, `   text log: ${toPrintable(paths.textLog)} (nerve logs)`));
}

function formatHeadline(document: StatusDocument): string[] {
  const { condition, workspace, pid, holder, supervisor, deaths, problem, health } = document;
  const root = toPrintable(workspace), because = problem === null ? "" : `: ${toOneLine(problem, 300)}`;
  const restarted = deaths === 0
    ? []
    : [`${sign.died} its kernel died ${plural(deaths, "time")}, the last one${because}`];
  switch (condition) {
    case "running": {
      const up = formatDuration(Math.round((health?.uptimeMs ?? 0) / 1_000) * 1_000);
      const alone = holder?.kind === "embedded" ? `inside ${toPrintable(holder.program)}` : "in the foreground";
      const how = supervisor === null ? alone : `supervisor ${supervisor}`;
      const head = `${sign.live} nerve ${health?.version ?? ""} runs ${root} (pid ${pid}, up ${up}, ${how})`;
      const config = health?.configError == null
        ? []
        : [`${sign.warning} nerve.yaml: ${toOneLine(health.configError, 300)}`];
      const store = health?.storeError == null ? [] : [`${sign.broken} ${toOneLine(health.storeError, 300)}`];
      const lock = health?.lockError == null ? [] : [`${sign.warning} ${toOneLine(health.lockError, 300)}`];
      const init = describeMissingInit(pid ?? 0),
        orphans = init === null ? [] : [`${sign.warning} ${init}: nerve doctor`];
      return [head, ...store, ...config, ...lock, ...orphans, ...restarted];
    }
    case "starting":
      return [`${sign.asleep} the daemon in ${root} is starting (pid ${pid})`];
    case "stopping":
      return [`${sign.asleep} the daemon in ${root} is stopping (pid ${pid ?? supervisor})`];
    case "restarting":
      return [`${sign.broken} the daemon in ${root} is restarting its kernel (supervisor ${supervisor})`, ...restarted];
    case "hanging":
      return [`${sign.broken} the daemon in ${root} does not answer (pid ${pid}): nerve stop ends it`];
    case "embedded":
      return [
        `${sign.live} nerve runs ${root} inside ${
          toPrintable(`${holder?.program} (pid ${pid})`)
        }, without the control API`,
        `${sign.next} only that program can tell its state and stop it`,
      ];
    case "busy":
      return [`${sign.asleep} no daemon runs in ${root}; a command of nerve (pid ${pid}) needs it for itself`];
    case "gave up":
      return [
        `${sign.broken} no daemon runs in ${root}; it stays down${because}`,
        `${sign.next} nerve logs, nerve start`,
      ];
    case "killed":
      return [`${sign.broken} no daemon runs in ${root}; the last one was killed`, `${sign.next} nerve start`];
    case "down":
      return [`${sign.idle} no daemon runs in ${root}`, `${sign.next} nerve start`];
    default:
      return unreachable(condition);
  }
}

function printApprovals(io: CliIo, { open, oldest, expired }: Health["approvals"]): void {
  if (expired > 0) {
    print(
      io,
      `   ${sign.warning} ${
        plural(expired, "request")
      } decided by nobody in time, in the last 7 days: nerve approvals --all`,
    );
  }
  if (open === 0) return;
  const since = oldest === null ? "" : `, the oldest since ${formatDistance(oldest, io.clock.now())}`;
  print(io, `   ${sign.next} ${plural(open, "request")} for a decision${since}: nerve approvals`);
}

function showHealth(
  io: CliIo,
  { units, runs, approvals, alerts, listener, counters, landlock, warnings, stuckPrograms }: Health,
): void {
  const counted = Object.entries(counters).filter(([, count]) => count > 0).map(([name, count]) => `${name} ${count}`);
  const unheld = landlock === null ? null : describeUnheld(landlock);
  if (unheld !== null) print(io, `${sign.warning} ${unheld}`);
  for (const warning of warnings.slice(0, warningsShown)) print(io, `${sign.warning} ${toOneLine(warning, 300)}`);
  if (warnings.length > warningsShown) {
    print(io, dim(io, `   and ${warnings.length - warningsShown} more: nerve doctor`));
  }
  for (const stuck of stuckPrograms.slice(0, warningsShown)) print(io, `${sign.broken} ${toOneLine(stuck, 300)}`);
  if (alerts.firing + alerts.pending > 0) {
    const pending = alerts.pending === 0 ? "" : `, ${alerts.pending} pending`;
    print(
      io,
      `${alerts.firing > 0 ? sign.broken : sign.warning} alerts: ${alerts.firing} firing${pending}: nerve alert list`,
    );
  }
  if (listener !== null) print(io, `   ${formatListener(listener)}: nerve hook list`);
  const paused = runs.paused === 0 ? "" : `, ${runs.paused} paused`;
  const waiting = runs.waiting === 0 ? "" : `, ${runs.waiting} waiting`;
  const dropped = runs.dropped === 0 ? "" : `, ${runs.dropped} dropped`;
  const now = `${runs.active} active, ${runs.queued} queued${waiting}${paused}${dropped}`;
  printApprovals(io, approvals);
  print(io, `   runs: ${now}; ${counted.join(", ") || "nothing counted yet"}`);
  if (units.length === 0) return;
  const rows = units.map(({ kind, name, state, pid, memoryBytes, privateBytes, deaths, reason, problem }) => [
    `${problem !== null && pickSign(state) === sign.live ? sign.warning : pickSign(state)} ${kind} ${name}`,
    state,
    pid === null ? "-" : String(pid),
    formatMemory(privateBytes, memoryBytes),
    String(deaths),
    toOneLine([problem, reason].filter((why) => why !== null).join("; "), problem === null ? 100 : 300),
  ]);
  printTable(io, ["   UNIT", "STATE", "PID", "MEMORY", "DEATHS", "WHY"], rows);
}

/** Private memory: the resident bytes of each process include the executable, which the machine holds once. */
function formatMemory(privateBytes: number | null, residentBytes: number | null): string {
  if (privateBytes !== null) return formatSize(privateBytes);
  return residentBytes === null ? "-" : `${formatSize(residentBytes)} with shared pages`;
}

function pickSign(state: string): string {
  if (state === "quarantined" || state === "held") return sign.broken;
  if (state === "backoff") return sign.warning;
  return state === "stopped" || state === "waiting" ? sign.asleep : sign.live;
}

function formatProblemRow({ id, ts, type, source, refId, payload }: LogRow): string {
  const more = isPlainObject(payload)
    ? payload.message ?? payload.reason ?? formatLoadProblem(payload) ?? payload
    : payload;
  const ref = refId === null || source.endsWith(`:${refId}`) ? "" : ` ${refId}`;
  const text = typeof more === "string" ? more : JSON.stringify(more);
  const repeated = isPlainObject(payload) && typeof payload.repeated === "number" ? payload.repeated : null;
  const times = repeated === null ? "" : ` \u00d7${repeated} in the minute before`;
  return `${sign.warning} ${id} ${formatDateTime(ts)} ${type} ${toPrintable(source + ref)}: ${
    toOneLine(text, 200)
  }${times}`;
}

/** The first problem of a `sense.load_failed` row, with its place. */
function formatLoadProblem({ problems }: Readonly<Record<string, unknown>>): string | null {
  const [first] = Array.isArray(problems) ? problems : [];
  if (!isPlainObject(first) || typeof first.message !== "string") return null;
  const { place } = first, at = isPlainObject(place) ? ` (${place.file}:${place.line}:${place.column})` : "";
  return `${first.message}${at}`;
}
