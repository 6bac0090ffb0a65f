/** `nerve alert list` and `nerve alert show`: the alerts and their current states. */
import { toPrintable } from "../../base/printable.ts";
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { AlertSilence, AlertState } from "../../protocol/alert.ts";
import { unknownAlert } from "../../protocol/common_errors.ts";
import { askOrRead, type DaemonAnswer, printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import type { AlertListOutput, AlertShowOutput, ShownAlert } from "../render/alert_schemas.ts";
import {
  clip,
  dim,
  formatDistance,
  plural,
  print,
  printJson,
  printTable,
  sign,
  toOneLine,
} from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export const alertSign = { firing: sign.broken, pending: sign.warning, inactive: sign.idle } as const;

export async function alertList(io: CliIo, flags: Flags & { readonly firing: boolean }): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const { live, problem } = await askOrRead<ShownAlert[]>(paths, (client) => client.alerts.list());
  const all = live ?? await readStored(paths, io.clock, "some");
  const items = flags.firing ? all.filter(({ firing }) => firing > 0) : all;
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, items } satisfies AlertListOutput);
    return exit.ok;
  }
  printTable(io, ["", "ALERT", "SEVERITY", "SENSE", "STATE", "SAYS"], items.flatMap((each) => toRows(io, each)));
  for (const { name, problem } of items) {
    if (problem !== null) print(io, `${sign.warning} ${name}: ${clip(problem, 300)}`);
  }
  if (all.length === 0) print(io, dim(io, "nerve.yaml has no alerts"));
  else if (items.length === 0) print(io, dim(io, `none of ${plural(all.length, "alert")} fires`));
  if (live === null) printNoAnswer(io, problem);
  return exit.ok;
}

/** One row for each state that is not inactive; one row for an alert without such states. */
function toRows(io: CliIo, alert: ShownAlert): string[][] {
  const { name, severity, sense, states, firing, pending } = alert, silence = alert.silences[0];
  const head = [name, severity, sense], quiet = silence === undefined ? "" : ` (${formatSilence(io, silence)})`;
  const busy = states.filter(({ status }) => status !== "inactive");
  if (busy.length === 0) return [[sign.idle, ...head, `inactive${quiet}`, ""]];
  const rows = busy.map((state, index) => [
    alertSign[state.status],
    ...(index === 0 ? head : ["", "", ""]),
    `${formatState(io, state)}${quiet}`,
    clip(state.summary ?? "", 100),
  ]);
  const more = firing + pending - busy.length;
  return more > 0 ? [...rows, ["", "", "", "", `${more} more: nerve alert show ${name}`, ""]] : rows;
}

function formatState(io: CliIo, { status, key, since, reason, changesAt, ack }: AlertState): string {
  const now = io.clock.now();
  const parts = [
    status === "inactive" ? "inactive" : `${status} for ${formatAge(since ?? now, now)}`,
    ...(reason === "absent" ? ["absent"] : []),
    ...(status === "pending" && changesAt !== null ? [`fires ${formatDistance(changesAt, now)}`] : []),
    ...(ack === null ? [] : [`acknowledged by ${clip(ack.by, 40)}`]),
  ];
  return `${key === "" ? "" : `${clip(key, 60)}: `}${parts.join(", ")}`;
}

function formatAge(since: number, now: number): string {
  return since >= now ? "0s" : formatDistance(Math.min(since, now - 1_000), now).replace(/ ago$/, "");
}

function formatSilence(io: CliIo, { key, until, by, comment }: AlertSilence): string {
  const what = key === null ? "silenced" : `${clip(key, 60)} silenced`,
    why = comment === null ? "" : `: ${clip(comment, 80)}`;
  return `${what} by ${clip(by, 40)}, ends ${formatDistance(until, io.clock.now())}${why}`;
}

export async function alertShow(io: CliIo, flags: Flags, name: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), { alert, live, problem } = await readAlert(io, paths, name);
  if (flags.json) {
    printJson(io, { daemon: live, problem, alert } satisfies AlertShowOutput);
    return exit.ok;
  }
  printAlert(io, alert);
  if (!live) printNoAnswer(io, problem);
  return exit.ok;
}

export interface ReadAlert {
  readonly alert: ShownAlert;
  readonly live: boolean;
  readonly problem: string | null;
}

/** Reads an alert with all its states. Throws ALERT_UNKNOWN. */
export async function readAlert(io: CliIo, paths: WorkspacePaths, name: string): Promise<ReadAlert> {
  const { live, problem }: DaemonAnswer<ShownAlert> = await askOrRead<ShownAlert>(paths, (client) => {
    return client.alerts.one(name);
  });
  if (live !== null) return { alert: live, live: true, problem };
  const stored = await readStored(paths, io.clock, "all"), alert = stored.find((each) => each.name === name);
  if (alert === undefined) throw unknownAlert(name, stored.map((each) => each.name));
  return { alert, live: false, problem };
}

/** Imports on demand: with a daemon neither the checks of nerve.yaml nor the database are needed. */
async function readStored(paths: WorkspacePaths, clock: Clock, states: "all" | "some"): Promise<ShownAlert[]> {
  const { readStoredAlerts } = await import("../stored_alerts.ts");
  return await readStoredAlerts(paths, clock, states);
}

export function printAlert(io: CliIo, alert: ShownAlert): void {
  const { name, sense, severity, when, workflow, states, silences, counters, problem } = alert;
  const condition = when === null ? "is silent" : `when ${toOneLine(when, 200)}`;
  print(
    io,
    `${name}: ${severity}, ${toPrintable(sense)} ${condition}${workflow === null ? "" : `; starts ${workflow}`}`,
  );
  for (const state of states) {
    const says = state.summary === null ? "" : `: ${clip(state.summary, 200)}`;
    print(io, `${alertSign[state.status]} ${formatState(io, state)}${says}`);
  }
  for (const silence of silences) print(io, `${sign.asleep} ${formatSilence(io, silence)}`);
  if (problem !== null) print(io, `${sign.warning} ${clip(problem, 300)}`);
  if (counters === null) return;
  const { evaluated, ...reasons } = counters;
  const left = Object.entries(reasons).filter(([, count]) => count > 0).map(([what, count]) =>
    `${count} ${counted[what]}`
  );
  print(io, dim(io, [plural(evaluated, "signal"), ...left].join(", ")));
}

const counted: Readonly<Record<string, string>> = {
  failed: "expressions failed",
  limited: "starts over the limit",
  silenced: "starts silenced",
  keysRefused: "signals with a key too many",
};
