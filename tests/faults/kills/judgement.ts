/**
 * What must be true after any number of kills, checked from the log on disk, the databases of the senses and the files
 * that senses and roles wrote. Used by storm.ts.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { LogRow, LogType } from "../../../src/protocol/log.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import type { WorkspaceFixture } from "../../support/workspace_fixture.ts";
import { beatsPerRun, roles, sideFiles } from "./workspace.ts";

/** Counts by what they count. */
export type Findings = Readonly<Record<string, number>>;

/** Wall milliseconds. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

interface Note {
  readonly what: "begin" | "failed" | "done";
  readonly round: number;
  readonly role: string;
}

export function judge(
  workspace: WorkspaceFixture,
  counts: Readonly<Record<string, number>>,
  outages: readonly Outage[],
): Findings {
  const reader = StoreReader.open(workspace.paths.logDatabase);
  if (reader === null) assert.fail("the daemon has left no log");
  try {
    const runs = readRuns(reader);
    return {
      ...counts,
      ...judgeRuns(reader, workspace, runs),
      ...judgeSignals(reader, workspace, runs),
      ...judgeTicks(reader, outages),
    };
  } finally {
    reader.close();
  }
}

/** Each accepted run has ended once, as completed, and no finished role ran again. */
function judgeRuns(reader: StoreReader, workspace: WorkspaceFixture, runs: readonly Run[]): Findings {
  const notes = readNotes(workspace);
  let repeated = 0, attempts = 0, failures = 0;
  for (const run of runs) {
    const ended = [run.status, run.exitCode, run.rounds];
    assert.deepEqual(ended, ["completed", 0, roles.length], `${run.runId}: ${run.reason}`);
    const messages: unknown[] = reader.messages(run.runId).map(({ round, role, content }) => [round, role, content]);
    assert.deepEqual(messages, roles.map((role, at) => [at + 1, role, role]), `the thread of ${run.runId}`);
    const rows: string[] = reader.logs({ refId: run.runId, order: "asc", limit: 1_000 }).map(({ type }) => type);
    const count = (type: string): number => rows.filter((each) => each === type).length;
    assert.equal(count("run.completed"), 1, `${run.runId} is completed once`);
    assert.equal(count("run.started"), 1, `${run.runId} is started once`);
    assert.equal(rows.at(-1), "run.completed", `nothing happens to ${run.runId} after its end`);
    repeated += judgeNotes(run.runId, notes.get(run.runId) ?? []);
    attempts += run.attempt;
    failures += count("run.attempt_failed");
    notes.delete(run.runId);
  }
  assert.deepEqual([...notes.keys()], [], "no role ran for a run that was not accepted");
  return {
    "runs completed, each once": runs.length,
    "roles done": runs.length * roles.length,
    "roles that were running at a kill, and ran again": repeated,
    "failures of a role, each followed by a durable wait": failures,
    "attempts of all runs": attempts,
  };
}

/** In the order in which the roles wrote them; the number of rounds that were done more than once. */
function judgeNotes(runId: string, notes: readonly Note[]): number {
  let repeated = 0, highest = 0;
  for (const { what, round, role } of notes) {
    assert.equal(role, roles[round - 1], `round ${round} of ${runId} is always the same role's`);
    assert.ok(round >= highest, `${runId}: round ${round} ran again after round ${highest} had begun`);
    if (what === "begin" && round > highest && round > 1) {
      const before = notes.some((note) => note.what === "done" && note.round === round - 1);
      assert.ok(before, `${runId}: round ${round} began before round ${round - 1} was done`);
    }
    highest = Math.max(highest, round);
  }
  for (const at of roles.keys()) {
    const done = notes.filter(({ what, round }) => what === "done" && round === at + 1).length;
    assert.ok(done >= 1, `round ${at + 1} of ${runId} was skipped`);
    if (done > 1) repeated++;
  }
  return repeated;
}

/**
 * Every beat that its database counts is a signal, once and in order; every signal was heard, and none that is not in the
 * log; and every tenth beat has started one run.
 */
function judgeSignals(reader: StoreReader, workspace: WorkspaceFixture, runs: readonly Run[]): Findings {
  const beats = readRows(reader, "beat", "sense.signal");
  const numbers = beats.map((row) => (payloadOf(row).payload as { n: number }).n);
  assert.deepEqual(numbers, numbers.map((_, at) => at + 1), "the beats in the log");
  const database = new DatabaseSync(`${workspace.paths.senseDatabases}/beat.db`, { readOnly: true });
  assert.equal(database.prepare("select max(n) as n from beats").get()?.n, numbers.length, "beats that were not told");
  database.close();

  const lines = Deno.readTextFileSync(`${workspace.root}/${sideFiles.heard}`).trimEnd().split("\n");
  const heard = lines.map((line) => line.split(" ").map(Number));
  const inLog = new Map(beats.map((row, at) => [row.id, numbers[at]]));
  for (const [id = 0, n] of heard) assert.equal(n, inLog.get(id), `beat ${n} was heard as row ${id}`);
  const unique = new Set(heard.map(([id]) => id));
  assert.deepEqual([...inLog.keys()].filter((id) => !unique.has(id)), [], "rows in the log that were not heard");

  const asked = runs.flatMap(({ payload }) => (payload as { tens?: number[] }).tens ?? []).sort((a, b) => a - b);
  const tens = numbers.filter((n) => n % beatsPerRun === 0);
  assert.deepEqual(asked, tens, "each tenth beat starts one run");
  const redelivered = ["beat", "tick", "tally"].flatMap((sense) =>
    (["sense.signal", "sense.directive"] as const).flatMap((type) => readRows(reader, sense, type))
  ).filter((row) => payloadOf(row).redelivered === true);
  return {
    "signals, each heard": numbers.length,
    "signals heard again after a death": heard.length - unique.size,
    "runs that a listener started": runs.filter(({ trigger }) => trigger.kind === "sense").length,
    "values that came from an outbox after a death": redelivered.length,
  };
}

/**
 * Every second has its tick, unless one that came later stands for it: after an outage, which lasts until the sense has
 * told something again; or because the one before was so late that it was due meanwhile.
 */
function judgeTicks(reader: StoreReader, outages: readonly Outage[]): Findings {
  const told = readRows(reader, "tick", "sense.signal").flatMap((row) => {
    const { due } = payloadOf(row).payload as { due: number | null };
    return due === null ? [] : [{ due, at: row.ts }];
  }).sort((a, b) => a.due - b.due);
  const secondMs = 1_000;
  const outs = outages.map(({ from, to }) => {
    // What was due before comes from an outbox, also while the sense cannot compute yet.
    const back = told.find(({ due, at }) => due >= from && at > to);
    return { from: from - secondMs, to: back?.at ?? to };
  });
  const missed = told.slice(1).flatMap(({ due }, at) => {
    const before = told[at] ?? assert.fail("the first one has none before it");
    const between = Array.from({ length: Math.max(0, (due - before.due) / secondMs - 1) }, (_, n) => n + 1);
    return between.map((n) => ({ due: before.due + n * secondMs, lastAt: before.at }));
  });
  const lost = missed.filter(({ due, lastAt }) =>
    lastAt < due && !outs.some(({ from, to }) => from <= due && due <= to)
  );
  assert.deepEqual(lost.map(({ due }) => new Date(due).toISOString()), [], "ticks that nothing explains");
  const ticked = new Set(told.map(({ due }) => due));
  return { "ticks of each second": ticked.size, "ticks merged while the daemon could not work": missed.length };
}

function readRuns(reader: StoreReader): Run[] {
  const runs: Run[] = [];
  for (;;) {
    const page = reader.runs({ limit: 100, offset: runs.length });
    runs.push(...page.items);
    if (runs.length >= page.total || page.items.length === 0) return runs;
  }
}

function readRows(reader: StoreReader, sense: string, type: LogType): LogRow[] {
  const rows: LogRow[] = [];
  for (;;) {
    const page = reader.logs({ source: `sense:${sense}`, type, afterId: rows.at(-1)?.id ?? 0, limit: 1_000 });
    if (page.length === 0) return rows;
    rows.push(...page);
  }
}

function payloadOf({ payload }: LogRow): JsonObject {
  return payload as JsonObject;
}

/** By run. A line that a kill cut short ends where the next begins: one write of a short line is never torn. */
function readNotes(workspace: WorkspaceFixture): Map<string, Note[]> {
  const notes = new Map<string, Note[]>();
  for (const line of Deno.readTextFileSync(`${workspace.root}/${sideFiles.roles}`).trimEnd().split("\n")) {
    const [, what, runId = "", round, role = ""] = /^(begin|failed|done) ([^:]+):(\d+) (\w+)$/.exec(line) ??
      assert.fail(`"${line}" is no note`);
    const list = notes.get(runId) ?? [];
    list.push({ what: what as Note["what"], round: Number(round), role });
    notes.set(runId, list);
  }
  return notes;
}
