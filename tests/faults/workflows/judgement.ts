/**
 * What must be true after any number of kills, checked from the runs, the log on disk and the file that the roles
 * wrote. Used by daemon_kills.ts.
 */
import assert from "node:assert/strict";
import type { Run } from "../../../src/protocol/run.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import type { WorkspaceFixture } from "../../support/workspace_fixture.ts";

export const roles = ["fetch", "parse", "enrich", "decide", "write", "report"] as const;

/** Counts by what they count. */
export type Findings = Readonly<Record<string, number>>;

interface Note {
  readonly what: "begin" | "failed" | "done";
  readonly round: number;
  readonly role: string;
}

export function judge(
  workspace: WorkspaceFixture,
  runs: readonly Run[],
  kills: Readonly<Record<string, number>>,
): Findings {
  const notes = readNotes(workspace);
  const reader = StoreReader.open(workspace.paths.logDatabase);
  if (reader === null) assert.fail("the daemon has left no log");
  let repeated = 0, attempts = 0, failures = 0;
  try {
    for (const run of runs) {
      assert.deepEqual(
        [run.status, run.exitCode, run.rounds],
        ["completed", 0, roles.length],
        `${run.runId}: ${run.reason}`,
      );
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
    }
    assert.equal(reader.runs({ limit: 1, offset: 0 }).total, runs.length, "no run was doubled");
  } finally {
    reader.close();
  }
  return {
    ...Object.fromEntries(Object.entries(kills).map(([victim, count]) => [`kill -9 of ${victim}`, count])),
    "runs completed exactly once": runs.length,
    "roles done": runs.length * roles.length,
    "roles skipped": 0,
    "roles that ran more than once": repeated,
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

/** By run. A line that a kill cut short ends where the next begins: one write of a short line is never torn. */
function readNotes(workspace: WorkspaceFixture): Map<string, Note[]> {
  const notes = new Map<string, Note[]>();
  for (const line of Deno.readTextFileSync(`${workspace.root}/keys/keys.log`).trimEnd().split("\n")) {
    const [, what, runId = "", round, role = ""] = /^(begin|failed|done) ([^:]+):(\d+) (\w+)$/.exec(line) ??
      assert.fail(`"${line}" is no note`);
    const list = notes.get(runId) ?? [];
    list.push({ what: what as Note["what"], round: Number(round), role });
    notes.set(runId, list);
  }
  return notes;
}
