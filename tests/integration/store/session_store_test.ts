/** Sessions on disk: each move is legal whoever asks for it, and of a run and a name one at most is open. */
import assert from "node:assert/strict";
import type { SessionRecord, SessionState } from "../../../src/protocol/session.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const session = (id: string, more: Partial<SessionRecord> = {}): SessionRecord => {
  const about = { runId: "r", name: "author", workflow: "w", agent: "a", cwd: "/", created: 1, changed: 1 };
  return { id, ...about, state: "CREATED", conversation: null, recoveryAttempts: 0, ...more };
};
const row = (type: "session.created" | "session.ready") =>
  ({ source: "workflow:w", type, refId: "r", causeId: null, payload: {} }) as const;

Deno.test("a session is found as it was written, and not once it has ended", async () => {
  await inTempDir(async (root) => {
    const lost: string[] = [];
    const store = openStore(`${root}/data/logs.db`, new FakeClock(), {
      onLost: (error) => void lost.push(error.message),
    });
    const move = (id: string, state: SessionState, conversation: string | null = null) =>
      store.sessions.change(id, { state, conversation, changed: 2 }, row("session.ready"));
    store.sessions.create(session("s1"), row("session.created"));
    move("s1", "READY");
    move("s1", "BUSY");
    move("s1", "READY", "c");
    move("s1", "BUSY");
    await store.log.durable();
    assert.deepEqual(store.sessions.listOpen("r"), [session("s1", { state: "BUSY", conversation: "c", changed: 2 })]);
    assert.deepEqual(store.sessions.listOpen("other"), []);
    move("s1", "ENDED");
    store.sessions.create(session("s2"), row("session.created"));
    await store.log.durable();
    assert.deepEqual(store.sessions.listOpen("r").map(({ id }) => id), ["s2"]);
    assert.deepEqual(store.sessions.list(9).map(({ id, state }) => [id, state]), [["s2", "CREATED"], ["s1", "ENDED"]]);
    assert.deepEqual(lost, []);
    await store.close();
  });
});

Deno.test("an illegal move and a second open session of a name are refused, and leave no row", async () => {
  await inTempDir(async (root) => {
    const lost: string[] = [];
    const store = openStore(`${root}/data/logs.db`, new FakeClock(), {
      onLost: (error) => void lost.push(error.message),
    });
    store.sessions.create(session("s1"), row("session.created"));
    await store.log.durable();
    const refused = [
      () => store.sessions.change("s1", { state: "BUSY", conversation: null, changed: 2 }, row("session.ready")),
      () => store.sessions.create(session("s2"), row("session.created")),
      () => store.sessions.create(session("s3", { runId: "q", state: "READY" }), row("session.created")),
    ];
    for (const act of refused) {
      act();
      await assert.rejects(store.log.durable());
    }
    assert.equal(lost.length, refused.length);
    assert.deepEqual(store.sessions.list(9), [session("s1")]);
    assert.equal(store.reader.logs({ refId: "r" }).length, 1);
    await store.close();
  });
});
