/**
 * Reads the senses from nerve.yaml and the log, for `nerve sense list` without a daemon. Loaded only in that case: with
 * a daemon the command needs neither the checks of nerve.yaml nor the database.
 */
import { type NerveConfig, reflexesOf, type SenseConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { isPlainObject } from "../protocol/json.ts";
import { jsonObjectSchema } from "../protocol/json_schema.ts";
import type { LogRow, LogType } from "../protocol/log.ts";
import type { LogSource } from "../protocol/log_source.ts";
import type { SensePause } from "../protocol/sense_pause.ts";
import { formatReflex } from "../protocol/schedule_text.ts";
import type { Signal } from "../protocol/signal.ts";
import { type CliRecords, openRecords } from "./open_records.ts";
import type { SenseListOutput } from "./render/json_schemas.ts";
import { placeSameCodeTogether } from "./render/same_code.ts";
import { formatDistance } from "./render/terminal.ts";
import { requireConfig } from "./workspace.ts";

type Item = SenseListOutput["items"][number];

export interface StoredSenses {
  /** How many senses there are; `items` are those of the requested page. */
  readonly total: number;
  readonly items: Item[];
  /** How the last compute of such a sense ended, in words. */
  readonly last: (item: Item, now: number) => string;
}

export async function readStoredSenses(paths: WorkspacePaths, offset: number, end: number): Promise<StoredSenses> {
  const config = await requireConfig(paths),
    senses = placeSameCodeTogether([...config.senses.values()]).slice(offset, end);
  using records = openRecords(paths);
  const rows = new Map(senses.map(({ name }) => [name, records === null ? null : findLastEnding(records, name)]));
  return {
    total: config.senses.size,
    items: senses.map((sense) => createItem(config, sense, records)),
    last({ name }, now) {
      const row = rows.get(name) ?? null;
      return row === null ? "-" : `${endings[row.type as keyof typeof endings]}, ${formatDistance(row.ts, now)}`;
    },
  };
}

function createItem(config: NerveConfig, { name, use, group }: SenseConfig, records: CliRecords | null): Item {
  return {
    name,
    use,
    group,
    state: "stopped",
    reflexes: reflexesOf(config, name).map(formatReflex),
    nextDue: null,
    lastCompute: null,
    lastSignal: records === null ? null : findLastSignal(records, name),
    counters: null,
    silences: {},
    paused: records === null ? null : findPause(records, name),
    problem: records === null ? null : findLastProblem(records, name, group),
  };
}

/** The row types that end a compute, and their words. A failure is shown as a problem until a newer ending follows. */
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

function findNewest(records: CliRecords, source: LogSource, types: readonly LogType[]): LogRow | null {
  const rows = types.flatMap((type) => records.logs({ source, type, order: "desc", limit: 1 }));
  return rows.reduce<LogRow | null>((last, row) => last === null || row.id > last.id ? row : last, null);
}

function findLastEnding(records: CliRecords, sense: string): LogRow | null {
  return findNewest(records, `sense:${sense}`, Object.keys(endings) as (keyof typeof endings)[]);
}

function findLastProblem(records: CliRecords, sense: string, group: string): string | null {
  const own = findLastEnding(records, sense);
  const down = findNewest(records, `group:${group}`, ["group.quarantined", "group.reset", "group.ready"]);
  if (down?.type === "group.quarantined" && down.id > (own?.id ?? 0)) return `was quarantined: ${readMessage(down)}`;
  return own === null || !failures.includes(own.type) ? null : readMessage(own);
}

/** Only the daemon knows how much was skipped. */
function findPause(records: CliRecords, sense: string): SensePause | null {
  const row = findNewest(records, `sense:${sense}`, ["sense.paused", "sense.resumed"]);
  if (row?.type !== "sense.paused") return null;
  const { until, reason } = jsonObjectSchema.parse(row.payload);
  return {
    since: row.ts,
    until: typeof until === "number" ? until : null,
    reason: typeof reason === "string" ? reason : null,
    skipped: 0,
  };
}

function readMessage({ payload }: LogRow): string {
  const fields = jsonObjectSchema.parse(payload), [problem] = Array.isArray(fields.problems) ? fields.problems : [];
  const message = fields.message ?? (isPlainObject(problem) ? problem.message : null);
  return typeof message === "string" ? message : JSON.stringify(payload);
}

function findLastSignal(records: CliRecords, sense: string): Signal | null {
  const [row] = records.logs({ source: `sense:${sense}`, type: "sense.signal", order: "desc", limit: 1 });
  if (row === undefined) return null;
  const { payload = null } = jsonObjectSchema.parse(row.payload);
  return { id: row.id, sense, payload, ts: row.ts };
}
