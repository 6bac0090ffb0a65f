/** Runs that a run waits for, in the database. Danger: a child is started twice, or its parent goes on without it. */
import assert from "node:assert/strict";
import {
  closeChildren,
  closeEndedChildren,
  hasOpenChildren,
  isAwaitingChildren,
  listChildren,
  listMissingChildren,
  listOpenParents,
  listUnfinishedChildren,
  neededChildren,
  refuseChild,
} from "../../../src/store/runs/child_sql.ts";
import { insertRun } from "../../../src/store/runs/run_sql.ts";
import { settleWait } from "../../../src/store/runs/wait_sql.ts";
import { RunTables } from "../../support/run_tables.ts";
import { newRun } from "../../support/store_bench.ts";

const request = { workflow: "cleanup", prompt: "ä\0", payload: { n: [null] }, maxRounds: 3 };

/** A run "a" that waits for so many runs, which do not exist yet. */
function begin(count: number, parent = "a", tables: RunTables = new RunTables()): RunTables {
  tables.create(parent);
  const children = Array.from({ length: count }, (_, at) => ({ runId: `${parent}.${at + 1}`, request }));
  tables.wait(parent, { kind: "children", due: null, dueBoot: null }, children);
  return tables;
}

/** The child exists; by default as its parent's. */
function start(tables: RunTables, runId: string, parent: string | null = "a"): void {
  const trigger = parent === null
    ? { kind: "manual" } as const
    : { kind: "run", run: parent, round: 1, depth: 1 } as const;
  tables.take(insertRun(newRun(runId, { trigger })));
}

const numbers = (children: readonly { readonly n: number }[]) => children.map(({ n }) => n);

Deno.test("children that do not exist yet are to be started, in their order, as they were asked for", () => {
  using tables = begin(11);
  const missing = listMissingChildren(tables.statements, "a", 1);
  assert.deepEqual(numbers(missing), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(missing[0], { n: 1, runId: "a.1", request });
  for (const [parent, round] of [["a", 2], ["none", 1]] as const) {
    assert.deepEqual(listMissingChildren(tables.statements, parent, round), []);
  }
});

Deno.test("a child is missing until it exists or is refused, and awaited until it has ended or is refused", () => {
  using tables = begin(2);
  const { statements } = tables,
    state = () => [
      numbers(listMissingChildren(statements, "a", 1)),
      listUnfinishedChildren(statements, "a"),
      isAwaitingChildren(statements, "a", 1),
    ];
  assert.deepEqual(state(), [[1, 2], [], true]);
  start(tables, "a.1");
  assert.deepEqual(state(), [[2], ["a.1"], true]);
  assert.deepEqual(tables.take(refuseChild("a", 1, 2, "no such workflow")), [1]);
  assert.deepEqual(state(), [[], ["a.1"], true]);
  tables.move("a.1", { status: "paused" });
  assert.deepEqual(state(), [[], ["a.1"], true], "a paused child goes on some day");
  tables.end("a.1");
  assert.deepEqual(state(), [[], [], false]);
});

Deno.test("a run that has the id of a child, but another parent or none, is not the child", () => {
  using tables = begin(2);
  start(tables, "a.1", "b");
  start(tables, "a.2", null);
  const { statements } = tables;
  assert.deepEqual(numbers(listMissingChildren(statements, "a", 1)), [1, 2]);
  assert.deepEqual(listUnfinishedChildren(statements, "a"), []);
  assert.ok(isAwaitingChildren(statements, "a", 1));
  assert.deepEqual(listChildren(statements, "a").map(({ run }) => run), [null, null]);
});

Deno.test("a child is refused once, and never when nobody waits for it any more", () => {
  using tables = begin(2);
  assert.deepEqual(tables.take(refuseChild("a", 1, 1, "first"), refuseChild("a", 1, 1, "second")), [1, 0]);
  assert.deepEqual(tables.take(refuseChild("a", 1, 9, "x"), refuseChild("a", 2, 2, "x"), refuseChild("b", 1, 2, "x")), [
    ...[0, 0, 0],
  ]);
  tables.take(closeChildren("a"));
  assert.deepEqual(tables.take(refuseChild("a", 1, 2, "late")), [0]);
  assert.deepEqual(listChildren(tables.statements, "a").map(({ refused }) => refused), ["first", null]);
});

Deno.test("children are told with what became of them, of one round or of all, after they are closed, too", () => {
  using tables = begin(3);
  const { statements } = tables;
  start(tables, "a.1");
  tables.end("a.1", { reason: "enough" });
  tables.take(refuseChild("a", 1, 2, "no"));
  start(tables, "a.3");
  const rest = { round: 1, workflow: "cleanup" };
  const first = [
    { ...rest, n: 1, runId: "a.1", refused: null, run: { status: "killed", exitCode: 137, reason: "enough" } },
    { ...rest, n: 2, runId: "a.2", refused: "no", run: null },
    { ...rest, n: 3, runId: "a.3", refused: null, run: { status: "started", exitCode: null, reason: null } },
  ];
  assert.deepEqual(listChildren(statements, "a"), first);
  tables.end("a.3", { status: "completed", exitCode: 0 });
  tables.take(settleWait("a", 1, { children: true }), closeChildren("a"));
  tables.wait("a", { kind: "children" }, [{ runId: "a.4", request }]);
  assert.deepEqual(listChildren(statements, "a").map(({ round, n }) => [round, n]), [[1, 1], [1, 2], [1, 3], [2, 1]]);
  assert.deepEqual(listChildren(statements, "a", 2).map(({ runId }) => runId), ["a.4"]);
  assert.equal(listChildren(statements, "a", 1)[2]?.run?.status, "completed");
});

Deno.test("closed children are needed by nobody, and neither started nor followed", () => {
  using tables = begin(2);
  const { statements } = tables;
  start(tables, "a.1");
  assert.deepEqual(tables.values(neededChildren), [["a.1"], ["a.2"]]);
  assert.deepEqual([hasOpenChildren(statements, "a"), hasOpenChildren(statements, "a.1")], [true, false]);
  assert.deepEqual(tables.take(closeChildren("a"), closeChildren("a")), [2, 0]);
  assert.deepEqual([hasOpenChildren(statements, "a"), tables.values(neededChildren)], [false, []]);
  assert.deepEqual([listMissingChildren(statements, "a", 1), listUnfinishedChildren(statements, "a")], [[], []]);
});

Deno.test("the children of a parent that has ended are closed once none of them goes on; those to come are not waited for", () => {
  using tables = begin(2);
  start(tables, "a.1");
  tables.end("a");
  assert.deepEqual(tables.take(closeEndedChildren("a")), [0]);
  tables.end("a.1");
  assert.deepEqual(tables.take(closeEndedChildren("a")), [2]);
});

Deno.test("parents of open children are listed by their ids, each once, in pages", () => {
  using tables = begin(3, "b");
  for (const parent of ["c", "a"]) begin(2, parent, tables);
  begin(1, "closed", tables);
  tables.take(closeChildren("closed"));
  const pages = (after: string, limit: number) => listOpenParents(tables.statements, after, limit);
  assert.deepEqual([pages("", 9), pages("", 2), pages("b", 2), pages("c", 2)], [
    ["a", "b", "c"],
    ["a", "b"],
    ["c"],
    [],
  ]);
});
