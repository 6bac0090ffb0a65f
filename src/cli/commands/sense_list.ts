/**
 * `nerve sense list`: what each sense does and last did. From nerve.yaml and the log; with a daemon, its live state.
 */
import { reflexText } from "../../protocol/api.ts";
import { jsonObjectSchema } from "../../protocol/json_schema.ts";
import type { Signal } from "../../protocol/signal.ts";
import { nonActionReasons } from "../../protocol/signal.ts";
import type { NerveConfig, SenseConfig } from "../../config/types.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, dim, distance, print, printJson, printPage, printTable, sign } from "../output.ts";
import type { SenseListOutput } from "../outputs.ts";
import { type CliRecords, openRecords } from "../records.ts";
import { fromDaemon, openWorkspace, requireConfig } from "../workspace.ts";

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
  const daemon = await fromDaemon(paths, (client) => Promise.all([client.senses(), client.health()]));
  const [live, health] = daemon ?? [null, null];
  const offset = flags.offset ?? 0, end = offset + (flags.limit ?? defaultLimit);
  const config = live === null ? await requireConfig(paths) : null;
  const total = live?.length ?? config?.senses.size ?? 0;
  const items = config === null ? live?.slice(offset, end) ?? [] : stored(config, openRecords(paths), offset, end);
  if (flags.json) {
    printJson(io, { daemon: live !== null, total, offset, items } satisfies SenseListOutput);
    return exit.ok;
  }
  printItems(io, items, live !== null);
  if (health?.configError != null) {
    print(
      io,
      `${sign.warning} nerve.yaml was refused, the one before stays in force: ${clip(health.configError, 300)}`,
    );
  }
  const limit = flags.limit === undefined ? "" : ` --limit ${flags.limit}`;
  const next = `nerve sense list --offset ${offset + items.length}${limit}`;
  printPage(io, { offset, shown: items.length, total, what: "senses", next });
  if (live === null) print(io, dim(io, "no daemon runs: nerve start"));
  return exit.ok;
}

function stored(config: NerveConfig, records: CliRecords | null, offset: number, end: number): Item[] {
  using open = records;
  return [...config.senses.values()].slice(offset, end).map((sense) => storedItem(config, sense, open));
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
    problem: null,
  };
}

function lastSignal(records: CliRecords, sense: string): Signal | null {
  const [row] = records.logs({ source: `sense:${sense}`, type: "sense.signal", order: "desc", limit: 1 });
  if (row === undefined) return null;
  const { payload = null } = jsonObjectSchema.parse(row.payload);
  return { id: row.id, sense, payload, ts: row.ts };
}

function printItems(io: CliIo, items: readonly Item[], live: boolean): void {
  const now = io.clock.now();
  const last = ({ lastCompute, lastSignal }: Item) => {
    if (lastCompute !== null) return `${lastCompute.outcome}, ${distance(lastCompute.at, now)}`;
    return lastSignal === null ? "-" : `signal, ${distance(lastSignal.ts, now)}`;
  };
  if (live) {
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
      items.map((item) => [sign.idle, item.name, item.group, last(item), clip(item.reflexes.join("; "), 80)]),
    );
  }
  for (const { name, state, problem } of items) {
    if (problem === null) continue;
    print(io, `${sign.broken} ${name}: ${clip(problem, 300)}`);
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
