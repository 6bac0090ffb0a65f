/**
 * `nerve sense list`: what each sense does and last did. From nerve.yaml and the log; with a daemon, its live state.
 */
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { SenseView } from "../../protocol/api.ts";
import { askOrRead, printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import type { SenseListOutput } from "../render/json_schemas.ts";
import {
  clip,
  dim,
  formatDistance,
  print,
  printJson,
  printPage,
  printTable,
  sign,
  toOneLine,
} from "../render/terminal.ts";
import type { StoredSenses } from "../stored_senses.ts";
import { openWorkspace } from "../workspace.ts";

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
  const stored = live === null ? await readStored(paths, offset, end) : null;
  const total = live?.length ?? stored?.total ?? 0, items = live?.slice(offset, end) ?? stored?.items ?? [];
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, total, offset, items } satisfies SenseListOutput);
    return exit.ok;
  }
  printItems(io, items, stored === null ? null : (item) => stored.last(item, io.clock.now()));
  if (health?.configError != null) {
    print(
      io,
      `${sign.warning} nerve.yaml was refused, the one before stays in force: ${toOneLine(health.configError, 300)}`,
    );
  }
  const limit = flags.limit === undefined ? "" : ` --limit ${flags.limit}`;
  const next = `nerve sense list --offset ${offset + items.length}${limit}`;
  printPage(io, { offset, shown: items.length, total, what: "senses", next });
  if (live === null) printNoAnswer(io, problem);
  return exit.ok;
}

/** With a daemon neither the checks of nerve.yaml nor the database are needed, which are most of what there is to load. */
async function readStored(paths: WorkspacePaths, offset: number, end: number): Promise<StoredSenses> {
  const { readStoredSenses } = await import("../stored_senses.ts");
  return await readStoredSenses(paths, offset, end);
}

/** `stored`: how to say what each last did when no daemon runs. */
function printItems(io: CliIo, items: readonly Item[], stored: ((item: Item) => string) | null): void {
  const now = io.clock.now();
  const last = ({ lastCompute, lastSignal }: Item) => {
    if (lastCompute !== null) return `${lastCompute.outcome}, ${formatDistance(lastCompute.at, now)}`;
    return lastSignal === null ? "-" : `signal, ${formatDistance(lastSignal.ts, now)}`;
  };
  if (stored === null) {
    printTable(
      io,
      ["", "SENSE", "GROUP", "NEXT", "LAST", "COMPUTES", "SIGNALS", "RUNS", "NO SIGNAL BECAUSE"],
      items.map((item) => [
        signOf(item),
        item.name,
        item.group,
        item.nextDue === null ? "-" : formatDistance(item.nextDue, now),
        last(item),
        String(item.counters?.computes ?? 0),
        String(item.counters?.signals ?? 0),
        String(item.counters?.runs ?? 0),
        nonActions(item.counters),
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
  for (const { name, state, problem, lastCompute } of items) {
    const warned = lastCompute?.outcome === "signal" ? lastCompute.detail : null;
    if (warned !== null) print(io, `${sign.warning} ${name}: ${toOneLine(warned, 300)}`);
    if (problem === null) continue;
    print(io, `${sign.broken} ${name}: ${toOneLine(problem, 300)}`);
    if (state === "quarantined") print(io, dim(io, `   once it is mended: nerve sense reset ${name}`));
  }
}

function nonActions(counters: SenseView["counters"] | null): string {
  if (counters === null) return "";
  const { computes: _, signals: __, runs: ___, ...reasons } = counters;
  return Object.entries(reasons).filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason.replace("_", " ")}`).join(", ");
}

function signOf({ problem, lastCompute }: Item): string {
  if (problem !== null) return sign.broken;
  if (lastCompute === null) return sign.idle;
  if (lastCompute.outcome === "signal" && lastCompute.detail !== null) return sign.warning;
  return lastCompute.outcome === "null" || lastCompute.outcome === "signal" || lastCompute.outcome === "run"
    ? sign.live
    : sign.warning;
}
