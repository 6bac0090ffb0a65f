/**
 * Sessions on disk, with the rows that tell of them; the database is the test. Danger: two sessions of one name, a
 * conversation that is forgotten, or a move without its row.
 */
import assert from "node:assert/strict";
import { SessionWriter } from "../../../src/agents/session_writer.ts";
import type { AgentDefinition } from "../../../src/protocol/agent.ts";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import type { SessionRecord } from "../../../src/protocol/session.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const run = { runId: "r", workflow: "w" };
const agent = { name: "coder", confined: true } as unknown as AgentDefinition;

/** Sessions in memory, as the store has them. */
class Shelf {
  readonly clock = new FakeClock();
  readonly stored: SessionRecord[] = [];
  readonly rows: NewLogRow[] = [];
  readonly book: SessionWriter;

  constructor() {
    let ids = 0;
    const sessions = {
      create: (session: SessionRecord, row: NewLogRow) => {
        this.stored.push(session);
        this.rows.push(row);
      },
      change: (...[id, { failures, conversation, ...change }, row]: Parameters<ChangePort>) => {
        const at = this.stored.findIndex((each) => each.id === id), before = this.stored[at] ?? assert.fail(id);
        const recoveryAttempts = before.recoveryAttempts + failures;
        const told = { ...change, recoveryAttempts, conversation: conversation ?? before.conversation };
        this.stored[at] = { ...before, ...told };
        this.rows.push(row);
      },
      listOpen: (runId: string) => this.stored.filter((each) => each.runId === runId && each.state !== "ENDED"),
      isReplaced: () => assert.fail("the book does not ask"),
    };
    const log = (row: NewLogRow) => void this.rows.push(row);
    this.book = new SessionWriter({ sessions, clock: this.clock, newId: () => `s${++ids}`, log });
  }

  open(name = "main", runId = "r"): SessionRecord {
    return this.book.findOrCreate({ ...run, runId }, name, agent, "/ws");
  }

  /** The newest row, but for what every one says. */
  last(): [string, unknown] {
    const { type, payload, ...rest } = this.rows.at(-1) ?? assert.fail();
    assert.deepEqual(rest, { source: "workflow:w", refId: "r", causeId: null });
    return [type, payload];
  }

  states(): string[] {
    return this.stored.map(({ id, state }) => `${id} ${state}`);
  }
}

type ChangePort = ConstructorParameters<typeof SessionWriter>[0]["sessions"]["change"];

Deno.test("a new session is stored as created, with the row that says of which agent it is and where", () => {
  const shelf = new Shelf(), now = shelf.clock.now(), session = shelf.open();
  assert.deepEqual(session, {
    ...{ id: "s1", runId: "r", workflow: "w", name: "main", agent: "coder", cwd: "/ws", state: "CREATED" },
    ...{ conversation: null, recoveryAttempts: 0, created: now, changed: now },
  });
  assert.deepEqual(shelf.stored, [session]);
  const payload = { session: "s1", name: "main", agent: "coder", cwd: "/ws", confined: true };
  assert.deepEqual(shelf.last(), ["session.created", payload]);
});

Deno.test("a session that has not ended is found again, in any state; one of another name or run is another", () => {
  const shelf = new Shelf(), first = shelf.open();
  assert.equal(shelf.open(), first);
  shelf.book.fail(first, {});
  assert.equal(shelf.open().id, "s1", "also one that is lost");
  assert.deepEqual([shelf.open("other").id, shelf.open("main", "r2").id], ["s2", "s3"]);
  shelf.book.endOne("r", "s1", "done");
  assert.equal(shelf.open().id, "s4");
});

Deno.test("a move is stored with its time and its row, and the conversation is kept once it is known", async () => {
  const shelf = new Shelf(), created = shelf.open();
  await shelf.clock.tick(5_000);
  const ready = shelf.book.move(created, "READY", "session.ready", { how: "new" }, "c1");
  assert.deepEqual([ready.state, ready.conversation], ["READY", "c1"]);
  assert.deepEqual(shelf.last(), ["session.ready", { session: "s1", how: "new" }]);
  const busy = shelf.book.move(ready, "BUSY", "session.prompted", {});
  assert.deepEqual([busy.state, busy.conversation], ["BUSY", "c1"]);
  const [stored] = shelf.stored;
  assert.deepEqual([stored?.state, stored?.conversation, stored?.changed], ["BUSY", "c1", shelf.clock.now()]);
  assert.equal(shelf.book.move(busy, "READY", "session.answered", {}, "c2").conversation, "c2");
});

Deno.test("a session that fails waits for a person, says what it was before, and counts", () => {
  const shelf = new Shelf(), ready = shelf.book.move(shelf.open(), "READY", "session.ready", {}, "c1");
  const failed = shelf.book.fail(ready, { message: "lost" });
  assert.deepEqual([failed.state, failed.recoveryAttempts, failed.conversation], ["FAILED_NEEDS_HUMAN", 1, "c1"]);
  assert.deepEqual(shelf.last(), ["session.failed", { session: "s1", state: "READY", message: "lost" }]);
  assert.equal(shelf.book.fail(failed, {}).recoveryAttempts, 2);
  assert.deepEqual([shelf.stored[0]?.recoveryAttempts, shelf.stored[0]?.conversation], [2, "c1"]);
});

Deno.test("what is told of a session leaves it as it is", () => {
  const shelf = new Shelf(), session = shelf.open();
  shelf.book.tell(session, "session.used", { usage: { tokens: 1 } });
  assert.deepEqual(shelf.last(), ["session.used", { session: "s1", usage: { tokens: 1 } }]);
  assert.deepEqual(shelf.stored, [session]);
});

Deno.test("only lost sessions of a run are given up for new ones", () => {
  const shelf = new Shelf();
  for (const [name, runId] of [["a", "r"], ["b", "r"], ["a", "r2"]] as const) shelf.open(name, runId);
  for (const session of [shelf.open("a"), shelf.open("a", "r2")]) shelf.book.fail(session, {});
  shelf.book.endLost("r", "a person wants it");
  assert.deepEqual(shelf.states(), ["s1 ENDED", "s2 CREATED", "s3 FAILED_NEEDS_HUMAN"]);
  assert.deepEqual(shelf.last(), ["session.closed", { session: "s1", reason: "a person wants it" }]);
});

Deno.test("with a run all its sessions end that have not, each with one row", () => {
  const shelf = new Shelf();
  for (const name of ["a", "b"]) shelf.open(name);
  shelf.open("a", "r2");
  shelf.book.endOne("r", "s1", "done");
  const before = shelf.rows.length;
  for (let n = 0; n < 2; n++) shelf.book.endAll("r", "the run has ended");
  assert.deepEqual([shelf.states(), shelf.rows.length - before], [["s1 ENDED", "s2 ENDED", "s3 CREATED"], 1]);
});

Deno.test("one session ends once, and only as one of its own run", () => {
  const shelf = new Shelf();
  shelf.open();
  for (const [runId, id] of [["r2", "s1"], ["r", "none"]] as const) shelf.book.endOne(runId, id, "x");
  assert.deepEqual(shelf.states(), ["s1 CREATED"]);
  const before = shelf.rows.length;
  for (let n = 0; n < 2; n++) shelf.book.endOne("r", "s1", "done");
  assert.deepEqual([shelf.states(), shelf.rows.length - before], [["s1 ENDED"], 1]);
});
