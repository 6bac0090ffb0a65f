/**
 * Sessions that are lost, by a real daemon that is killed and a real agent that is killed or refuses: the cases of the
 * contract of sessions, each under its number. Dangers: a run that goes on with an agent that has forgotten everything, a
 * run that fails for it, or a person who is asked twice.
 */
import assert from "node:assert/strict";
import { isPlainObject } from "../../../src/protocol/json.ts";
import { AgentWorld } from "../../support/agent_world.ts";
import { long } from "../../support/long_form.ts";

const lostRows = /^(session\.failed|run\.paused|approval\.requested)$/;
const inOrder = ["session.failed", "run.paused", "approval.requested"];

async function untilPaused(world: AgentWorld, runId: string) {
  await world.untilStatus(runId, "paused");
  return await world.untilAsked();
}

async function pausedFrom(world: AgentWorld, runId: string): Promise<unknown[]> {
  const rows = await world.rows(runId, /^run\.paused$/);
  return rows.map(({ payload }) => isPlainObject(payload) && isPlainObject(payload.pause) ? payload.pause.from : null);
}

long.test("case 2: a role works, the daemon dies and its place is lost: paused and asked, in order; retry goes on", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  world.set("refuse-load");
  await world.restart();
  const asked = await untilPaused(world, "a");
  assert.deepEqual(await world.types("a", lostRows), inOrder);
  assert.deepEqual(await pausedFrom(world, "a"), ["started"]);
  assert.deepEqual([asked.id, asked.options, asked.kind], [
    "a:session_recovery_required::1",
    ["retry", "new_session", "abort"],
    "session",
  ]);
  assert.deepEqual(world.sessions(), [{ name: "author", state: "FAILED_NEEDS_HUMAN", attempts: 1 }]);
  await assert.rejects(world.daemon.client.resumeRun("a"), /is paused until request a:session_recovery_required::1/);
  // A daemon that starts again asks nothing twice, and changes nothing.
  await world.restart();
  assert.deepEqual(await world.types("a", lostRows), inOrder);
  // Still lost: the run keeps its pause, and a new request is made.
  assert.equal(await world.decide(asked, "retry"), false);
  const again = await world.until("another request", () => {
    return Promise.resolve(world.approvals().find(({ id }) => id !== asked.id));
  });
  assert.equal(again.id, "a:session_recovery_required::2");
  assert.deepEqual(await world.types("a", lostRows), [...inOrder, "session.failed", "approval.requested"]);
  assert.deepEqual(world.sessions().map(({ attempts }) => attempts), [2]);
  Deno.removeSync(world.home("refuse-load"));
  world.set("open");
  await world.decide(again, "retry");
  await world.untilStatus("a", "completed");
  const [message] = await world.daemon.client.messages("a", { limit: 1 });
  assert.equal(message?.content, "went on, prompt 2");
});

long.test("case 3: a READY session of a waiting run is lost: paused from waiting; a new session is told what came before", async () => {
  await using world = await AgentWorld.make({
    roles: `first: of("say hello"), wait: event("go"), next: of("say on we go")`,
  });
  await world.start();
  await world.run("a");
  await world.untilStatus("a", "waiting");
  world.set("refuse-load");
  await world.restart();
  const asked = await untilPaused(world, "a");
  assert.deepEqual(await world.types("a", lostRows), inOrder);
  assert.deepEqual(await pausedFrom(world, "a"), ["waiting"]);
  await world.decide(asked, "new_session");
  await world.untilStatus("a", "waiting");
  await world.daemon.client.sendEvent("a", { name: "go", key: "k", payload: {} });
  await world.untilStatus("a", "completed");
  const said = (await world.daemon.client.messages("a", { limit: 9 })).find(({ role }) => role === "next")?.content ??
    "";
  await world.untilRow("a", "session.closed", 2);
  assert.match(said, /^You take over from a conversation that was lost[^]*## first\n\nhello[^]*on we go$/);
  assert.deepEqual(world.sessions().map(({ state }) => state), ["ENDED", "ENDED"]);
});

long.test("case 4: a session that was only reserved is lost like any other; abort kills its run", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("say hello")` });
  world.set("hang-at-start");
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.created");
  await world.kill();
  assert.deepEqual(world.sessions(), [{ name: "author", state: "CREATED", attempts: 0 }]);
  Deno.removeSync(world.home("hang-at-start"));
  world.set("die-at-start", "99");
  await world.start();
  const asked = await untilPaused(world, "a");
  assert.deepEqual(await world.types("a", lostRows), inOrder);
  const [failed] = await world.rows("a", /^session\.failed$/);
  assert.equal(isPlainObject(failed?.payload) && failed.payload.tries, 3);
  await world.decide(asked, "abort");
  const run = await world.daemon.client.run("a", false);
  assert.deepEqual([run.status, run.reason], ["killed", "aborted by a person, as its sessions were lost"]);
});

long.test("case 5: two failures that may pass, then success: three tries, and nobody is asked", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  await world.kill();
  world.set("die-at-start", "2");
  await world.start();
  world.set("open");
  await world.untilStatus("a", "completed");
  const [recovered] = await world.rows("a", /^session\.recovered$/);
  assert.ok(isPlainObject(recovered?.payload));
  assert.deepEqual([recovered.payload.state, recovered.payload.tries], ["BUSY", 3]);
  assert.deepEqual(await world.types("a", lostRows), []);
  assert.deepEqual(world.approvals(true), []);
  const [told] = await world.daemon.client.logs({ type: "kernel.sessions_recovered", limit: 10 });
  assert.deepEqual(told?.payload, { recovered: 1, failed: 0 });
});

long.test("case 6: sessions of ended runs stay as they are, and get no row", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("say hello")` });
  await world.start();
  await world.run("a");
  await world.untilStatus("a", "completed");
  await world.stop();
  world.database((db) => {
    db.exec(
      "insert into agent_sessions select null, 'left', run_id, 'left', workflow, agent, cwd, 'CREATED', 'c', 0, created," +
        " changed from agent_sessions; update agent_sessions set state = 'READY' where id = 'left'",
    );
  });
  const before = world.sessions();
  await world.start();
  const rows = await world.types("a");
  assert.deepEqual(world.sessions(), before);
  await world.restart();
  assert.deepEqual([world.sessions(), await world.types("a")], [before, rows]);
});

long.test("case 30: the agent's program dies while it is asked: its conversation goes on, and it is asked again", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  await world.until("its conversation to begin", () => Promise.resolve(hasBegun(world)));
  Deno.kill(Number(Deno.readTextFileSync(world.home("pid"))), "SIGKILL");
  world.set("open");
  await world.untilStatus("a", "completed");
  await world.untilRow("a", "session.closed");
  assert.deepEqual(await world.types("a", /^session\.(?!used)/), [
    ...["session.created", "session.ready", "session.prompted", "session.recovered", "session.prompted"],
    ...["session.answered", "session.closed"],
  ]);
  assert.deepEqual(world.approvals(true), []);
});

long.test("case 30: it dies and cannot go on: paused and asked, and the role has not failed", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  world.set("refuse-load");
  await world.until("its conversation to begin", () => Promise.resolve(hasBegun(world)));
  Deno.kill(Number(Deno.readTextFileSync(world.home("pid"))), "SIGKILL");
  await untilPaused(world, "a");
  assert.deepEqual(await world.types("a", lostRows), inOrder);
  assert.deepEqual(await world.types("a", /^run\.attempt_failed$/), []);
});

long.test("case 16: the daemon dies after a decision, before its run has moved: the next one carries it out", async () => {
  await using world = await AgentWorld.make({ roles: `ask: of("until open")` });
  await world.start();
  await world.run("a");
  await world.untilRow("a", "session.prompted");
  world.set("refuse-load");
  await world.restart();
  const asked = await untilPaused(world, "a");
  Deno.removeSync(world.home("refuse-load"));
  // So that the try hangs, and the daemon dies over it.
  world.set("hang-at-start");
  await world.decide(asked, "retry");
  await world.kill();
  Deno.removeSync(world.home("hang-at-start"));
  world.set("open");
  await world.start();
  await world.untilStatus("a", "completed");
  assert.equal(world.approvals(true).length, 1);
});

long.test("several lost sessions of one run: one pause, and one request that names all", async () => {
  await using world = await AgentWorld.make({
    roles: `first: of("say a"), second: of("say b", { session: "other" }), wait: event("go")`,
  });
  await world.start();
  await world.run("a");
  await world.untilStatus("a", "waiting");
  world.set("refuse-load");
  await world.restart();
  const asked = await untilPaused(world, "a");
  assert.deepEqual(await world.types("a", lostRows), ["session.failed", ...inOrder]);
  assert.equal(asked.title, "The sessions author, other are lost: try again?");
  assert.equal(world.approvals(true).length, 1);
});

/** The scripted agent keeps a file for each conversation that has had a prompt. */
function hasBegun(world: AgentWorld): boolean {
  return [...Deno.readDirSync(world.home("."))].some(({ name }) => /^[0-9a-f-]{36}\.txt$/.test(name));
}
