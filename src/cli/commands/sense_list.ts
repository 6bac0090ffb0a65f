/**
 * `nerve sense list`: the state and the last compute of each sense, from nerve.yaml and the log or, with a daemon, from
 * its live state.
 */
import type { WorkspacePaths } from "../../config/workspace.ts";
import { askOrRead, printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { describePause } from "../../protocol/pause_text.ts";
import type { SenseListOutput } from "../render/json_schemas.ts";
import { listCodeColumn, placeSameCodeTogether } from "../render/same_code.ts";
import {
  clip,
  dim,
  formatDistance,
  formatNext,
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

/** A sense as this command shows it; without a daemon its counters are null. */
type Item = SenseListOutput["items"][number];

const defaultLimit = 50;

export async function senseList(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const answer = await askOrRead(paths, (client) => Promise.all([client.senses(), client.health()]));
  const [live, health] = answer.live ?? [null, null], { problem } = answer;
  const offset = flags.offset ?? 0, end = offset + (flags.limit ?? defaultLimit);
  const stored = live === null ? await loadStoredSenses(paths, offset, end) : null;
  const total = live?.length ?? stored?.total ?? 0,
    items = (live === null ? null : placeSameCodeTogether(live).slice(offset, end)) ?? stored?.items ?? [];
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, total, offset, items } satisfies SenseListOutput);
    return exit.ok;
  }
  printItems(io, items, stored === null ? null : (item) => stored.last(item, io.clock.now()));
  if (health?.configError != null) {
    print(
      io,
      `${sign.warning} nerve.yaml was refused; the previous one stays in force: ${toOneLine(health.configError, 300)}`,
    );
  }
  const limit = flags.limit === undefined ? "" : ` --limit ${flags.limit}`;
  const next = `nerve sense list --offset ${offset + items.length}${limit}`;
  printPage(io, { offset, shown: items.length, total, what: "senses", next });
  if (live === null) printNoAnswer(io, problem);
  return exit.ok;
}

/**
 * Imports on demand: with a daemon neither the checks of nerve.yaml nor the database are needed, and both load slowly.
 */
async function loadStoredSenses(paths: WorkspacePaths, offset: number, end: number): Promise<StoredSenses> {
  const { readStoredSenses } = await import("../stored_senses.ts");
  return await readStoredSenses(paths, offset, end);
}

/** `formatStored` formats the last compute of a sense when no daemon runs; null when one does. */
function printItems(io: CliIo, items: readonly Item[], formatStored: ((item: Item) => string) | null): void {
  const now = io.clock.now(), code = listCodeColumn(items);
  const last = ({ lastCompute, lastSignal }: Item) => {
    if (lastCompute !== null) return `${lastCompute.outcome}, ${formatDistance(lastCompute.at, now)}`;
    return lastSignal === null ? "-" : `signal, ${formatDistance(lastSignal.ts, now)}`;
  };
  if (formatStored === null) {
    printTable(
      io,
      ["", "SENSE", ...code.title, "GROUP", "NEXT", "LAST", "COMPUTES", "SIGNALS", "RUNS", "NO SIGNAL BECAUSE"],
      items.map((item) => [
        pickSign(item),
        item.name,
        ...code.cell(item),
        item.group,
        item.nextDue === null ? "-" : formatNext(item.nextDue, now),
        last(item),
        String(item.counters?.computes ?? 0),
        String(item.counters?.signals ?? 0),
        String(item.counters?.runs ?? 0),
        formatNonActions(item),
      ]),
    );
  } else {
    printTable(
      io,
      ["", "SENSE", ...code.title, "GROUP", "LAST", "REFLEXES"],
      items.map((
        item,
      ) => [
        item.problem === null ? sign.idle : sign.broken,
        item.name,
        ...code.cell(item),
        item.group,
        formatStored(item),
        clip(item.reflexes.join("; "), 80),
      ]),
    );
  }
  for (const { name, state, problem, paused, lastCompute } of items) {
    const warning = lastCompute?.outcome === "signal" ? lastCompute.detail : null;
    if (warning !== null) print(io, `${sign.warning} ${name}: ${toOneLine(warning, 300)}`);
    if (paused != null) print(io, `${sign.asleep} ${name}: ${toOneLine(describePause(paused, now), 300)}`);
    if (problem === null) continue;
    print(io, `${sign.broken} ${name}: ${toOneLine(problem, 300)}`);
    if (state === "quarantined") print(io, dim(io, `   once it is fixed: nerve sense reset ${name}`));
  }
}

/** The reasons that code gave for its silence come first, and are not counted as null again. */
function formatNonActions({ counters, silences }: Item): string {
  if (counters === null) return "";
  const { computes: _, signals: __, runs: ___, ...reasons } = counters;
  const explained = Object.values(silences).reduce((sum, count) => sum + count, 0);
  const others = Object.entries({ ...reasons, null: reasons.null - explained });
  return [...Object.entries(silences), ...others].filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${clip(reason.replace("_", " "), 60)}`).join(", ");
}

function pickSign({ problem, paused, lastCompute }: Item): string {
  if (problem !== null) return sign.broken;
  if (paused != null) return sign.asleep;
  if (lastCompute === null) return sign.idle;
  if (lastCompute.outcome === "signal" && lastCompute.detail !== null) return sign.warning;
  return lastCompute.outcome === "null" || lastCompute.outcome === "signal" || lastCompute.outcome === "run"
    ? sign.live
    : sign.warning;
}
