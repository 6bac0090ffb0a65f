/**
 * `nerve sense list`: what each sense does and last did. From nerve.yaml and the log; with a daemon, its live state.
 */
import { reflexText } from "../../protocol/api.ts";
import { jsonObjectSchema } from "../../protocol/json_schema.ts";
import type { Signal } from "../../protocol/signal.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { LogRow, LogSource, LogType } from "../../protocol/log.ts";
import { nonActionReasons } from "../../protocol/signal.ts";
import type { NerveConfig, SenseConfig } from "../../config/types.ts";
import { askOrRead, printUntold } from "../daemon_answer.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, dim, distance, oneLine, print, printJson, printPage, printTable, sign } from "../output.ts";
import type { SenseListOutput } from "../outputs.ts";
import { type CliRecords, openRecords } from "../records.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** A sense as this command shows it: without a daemon nobody counts. */
type Item = SenseListOutput["items"][number];

const defaultLimit = 50;

export async function senseList(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const told = await askOrRead(paths, (client) => Promise.all([client.senses(), client.health()]));
  const [live, health] = told.live ?? [null, null], { problem } = told;
  const offset = flags.offset ?? 0, end = offset + (flags.limit ?? defaultLimit);
  const config = live === null ? await requireConfig(paths) : null;
  const total = live?.length ?? config?.senses.size ?? 0;
  const { items, endings } = config === null
    ? { items: live?.slice(offset, end) ?? [], endings: new Map<string, LogRow>() }
    : stored(config, openRecords(paths), offset, end);
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, total, offset, items } satisfies SenseListOutput);
    return exit.ok;
  }
  printItems(io, items, live === null ? lastOf(endings, io.clock.now()) : null);
  if (health?.configError != null) {
    print(
      io,
      `${sign.warning} nerve.yaml was refused, the one before stays in force: ${oneLine(health.configError, 300)}`,
    );
  }
  const limit = flags.limit === undefined ? "" : ` --limit ${flags.limit}`;
  const next = `nerve sense list --offset ${offset + items.length}${limit}`;
  printPage(io, { offset, shown: items.length, total, what: "senses", next });
  if (live === null) printUntold(io, problem);
  return exit.ok;
}

/** From nerve.yaml and the log: the senses, and the row that tells how each one's last compute ended. */
function stored(config: NerveConfig, records: CliRecords | null, offset: number, end: number): Stored {
  using open = records;
  const senses = [...config.senses.values()].slice(offset, end), rows = new Map<string, LogRow>();
  for (const { name } of senses) {
    const row = open === null ? null : lastEnding(open, name);
    if (row !== null) rows.set(name, row);
  }
  return { items: senses.map((sense) => storedItem(config, sense, open)), endings: rows };
}

interface Stored {
  readonly items: Item[];
  readonly endings: ReadonlyMap<string, LogRow>;
}

function lastOf(rows: ReadonlyMap<string, LogRow>, now: number): (item: Item) => string {
  return ({ name }) => {
    const row = rows.get(name);
    return row === undefined ? "-" : `${endings[row.type as keyof typeof endings]}, ${distance(row.ts, now)}`;
  };
}

function storedItem(config: NerveConfig, { name, group }: SenseConfig, records: CliRecords | null): Item {
  return {
    name,
    group,
    state: "stopped",
    reflexes: config.reflexes.filter((reflex) => reflex.sense === name).map(reflexText),
    nextDue: null,
    lastCompute: null,
    lastSignal: records === null ? null : lastSignal(records, name),
    counters: null,
    problem: records === null ? null : lastProblem(records, name, group),
  };
}

/** How computes end, as the log has it, and how it is said; what failed is a problem as long as nothing newer is there. */
const endings = {
  "sense.null": "null",
  "sense.signal": "signal",
  "sense.directive": "run",
  "sense.error": "error",
  "sense.timeout": "timeout",
  "sense.group_down": "group down",
  "sense.load_failed": "not loaded",
} as const;
const failures: readonly string[] = ["sense.error", "sense.timeout", "sense.group_down", "sense.load_failed"];

function newest(records: CliRecords, source: LogSource, types: readonly LogType[]): LogRow | null {
  const rows = types.flatMap((type) => records.logs({ source, type, order: "desc", limit: 1 }));
  return rows.reduce<LogRow | null>((last, row) => last === null || row.id > last.id ? row : last, null);
}

function lastEnding(records: CliRecords, sense: string): LogRow | null {
  return newest(records, `sense:${sense}`, Object.keys(endings) as (keyof typeof endings)[]);
}

function lastProblem(records: CliRecords, sense: string, group: string): string | null {
  const own = lastEnding(records, sense);
  const down = newest(records, `group:${group}`, ["group.quarantined", "group.reset", "group.ready"]);
  if (down?.type === "group.quarantined" && down.id > (own?.id ?? 0)) return `was quarantined: ${messageIn(down)}`;
  return own === null || !failures.includes(own.type) ? null : messageIn(own);
}

function messageIn({ payload }: LogRow): string {
  const fields = jsonObjectSchema.parse(payload), [problem] = Array.isArray(fields.problems) ? fields.problems : [];
  const message = fields.message ?? (isPlainObject(problem) ? problem.message : null);
  return typeof message === "string" ? message : JSON.stringify(payload);
}

function lastSignal(records: CliRecords, sense: string): Signal | null {
  const [row] = records.logs({ source: `sense:${sense}`, type: "sense.signal", order: "desc", limit: 1 });
  if (row === undefined) return null;
  const { payload = null } = jsonObjectSchema.parse(row.payload);
  return { id: row.id, sense, payload, ts: row.ts };
}

/** `stored`: how to say what each last did when no daemon runs. */
function printItems(io: CliIo, items: readonly Item[], stored: ((item: Item) => string) | null): void {
  const now = io.clock.now();
  const last = ({ lastCompute, lastSignal }: Item) => {
    if (lastCompute !== null) return `${lastCompute.outcome}, ${distance(lastCompute.at, now)}`;
    return lastSignal === null ? "-" : `signal, ${distance(lastSignal.ts, now)}`;
  };
  if (stored === null) {
    printTable(
      io,
      ["", "SENSE", "GROUP", "NEXT", "LAST", "COMPUTES", "SIGNALS", "RUNS", "NO SIGNAL BECAUSE"],
      items.map((item) => [
        signOf(item),
        item.name,
        item.group,
        item.nextDue === null ? "-" : distance(item.nextDue, now),
        last(item),
        String(item.counters?.computes ?? 0),
        String(item.counters?.signals ?? 0),
        String(item.counters?.runs ?? 0),
        nonActionReasons.filter((reason) => (item.counters?.[reason] ?? 0) > 0)
          .map((reason) => `${item.counters?.[reason]} ${reason.replace("_", " ")}`).join(", "),
      ]),
    );
  } else {
    printTable(
      io,
      ["", "SENSE", "GROUP", "LAST", "REFLEXES"],
      items.map((
        item,
      ) => [
        item.problem === null ? sign.idle : sign.broken,
        item.name,
        item.group,
        stored(item),
        clip(item.reflexes.join("; "), 80),
      ]),
    );
  }
  for (const { name, state, problem } of items) {
    if (problem === null) continue;
    print(io, `${sign.broken} ${name}: ${oneLine(problem, 300)}`);
    if (state === "quarantined") print(io, dim(io, `   once it is mended: nerve sense reset ${name}`));
  }
}

function signOf({ problem, lastCompute }: Item): string {
  if (problem !== null) return sign.broken;
  if (lastCompute === null) return sign.idle;
  return lastCompute.outcome === "null" || lastCompute.outcome === "signal" || lastCompute.outcome === "run"
    ? sign.live
    : sign.warning;
}
