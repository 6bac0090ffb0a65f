/** What a workflow can do, on every engine: each is tried by conformance_test.ts on the local engine and on Restate. */
import assert from "node:assert/strict";
import { waits } from "./waits.ts";
import { type Ability, codeOf, script } from "./world.ts";

/** The word by which docs/engines.md has it among what Restate cannot do. */
export const refusedWords = ["children", "fork"] as const;

const ends: readonly Ability[] = [
  {
    what: "rounds: the moderator names one role after the other, until END",
    async act(world) {
      const run = await world.start(["say", "other", "say"]);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.contents(run), ["said 1", "other", "said 3"]);
      assert.deepEqual(world.meta(run, 3), { key: `${run}:3` });
    },
  },
  {
    what: "a moderator that throws, and one that names no role, fail the run with exit code 1",
    async act(world) {
      const broken = await world.start([], { broken: true }), unknown = await world.start(["nobody"]);
      assert.deepEqual(await world.result(broken), ["failed", 1]);
      assert.deepEqual(await world.result(unknown), ["failed", 1]);
      assert.match((await world.end(unknown)).reason ?? "", /nobody/);
    },
  },
  {
    what: "a role that throws fails the run with exit code 1, and what it says is the reason",
    async act(world) {
      const run = await world.start(["say", "fails"]);
      assert.deepEqual(await world.result(run), ["failed", 1]);
      assert.match((await world.end(run)).reason ?? "", /out of paper/);
      assert.deepEqual(world.contents(run), ["said 1"]);
    },
  },
  {
    what: "a failed role is tried again, and each failure is a row",
    async act(world) {
      const run = await world.start(["flaky"]);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.meta(run, 1), { count: 3 });
      const failed = await world.rowsOf(run, "run.attempt_failed");
      assert.deepEqual(failed.map(({ failures }) => failures), [1, 2]);
    },
  },
  {
    what:
      "a role whose attempts are used up pauses its run, and begins anew after resume; an error that is useless fails it",
    async act(world) {
      const run = await world.start(["stuck", "pure"]), useless = await world.start(["useless"]);
      await world.reaches(run, "paused");
      await world.api.resumeRun(run);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.contents(run), ["unstuck", "pure 1"]);
      assert.deepEqual(await world.result(useless), ["failed", 1]);
      assert.match((await world.end(useless)).reason ?? "", /no use/);
    },
  },
  {
    what: "a role over its time limit is aborted, and fails",
    async act(world) {
      const run = await world.start(["late"]);
      assert.deepEqual(await world.result(run), ["failed", 1]);
      assert.match((await world.end(run)).reason ?? "", /timed out/);
    },
  },
  {
    what: "maxRounds ends the run with exit code 2",
    async act(world) {
      const run = await world.start(["say", "say", "say"], {}, { maxRounds: 2 });
      assert.deepEqual(await world.result(run), ["failed", 2]);
      assert.deepEqual(world.contents(run), ["said 1", "said 2"]);
    },
  },
  {
    what: "finally runs after every end, and its result is a row",
    async act(world) {
      const good = await world.start(["say"]), bad = await world.start(["fails"]);
      await world.end(good);
      await world.end(bad);
      const closings = [...await world.rowsOf(good, "run.closed"), ...await world.rowsOf(bad, "run.closed")];
      assert.deepEqual(closings.map(({ content }) => content), ["closed: completed", "closed: failed"]);
    },
  },
];

const starts: readonly Ability[] = [
  {
    what: "a start with an id that exists attaches to its run; with other input it is a conflict",
    async act(world) {
      const payload = { path: ["say"] }, request = { runId: "twice", payload };
      const all = await Promise.all([1, 2, 3, 4].map(() => world.api.startRun("script", request)));
      assert.deepEqual(new Set(all.map(({ runId }) => runId)), new Set(["twice"]));
      await world.end("twice");
      assert.equal((await world.api.startRun("script", request)).status, "completed");
      assert.equal(await codeOf(world.api.startRun("script", { ...request, prompt: "else" })), "RUN_CONFLICT");
      assert.deepEqual(world.contents("twice"), ["said 1"]);
    },
  },
  {
    what: "payloads, messages and results are bounded",
    async act(world) {
      const text = "x".repeat(256 * 1024);
      assert.equal(await codeOf(world.api.startRun("script", { payload: { text } })), "PAYLOAD_INVALID");
      const large = await world.start(["large"]), odd = await world.start(["odd"]);
      assert.deepEqual([await world.result(large), await world.result(odd)], [["failed", 1], ["failed", 1]]);
      assert.match((await world.end(large)).reason ?? "", /larger than/);
    },
  },
  {
    what: "a start in a while waits for its time",
    async act(world) {
      const asked = Date.now(), run = await world.start(["say"], {}, { inMs: 300 });
      assert.equal(world.status(run), "queued");
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.ok(((await world.end(run)).startedAt ?? 0) >= asked + 299);
    },
  },
  {
    what: "a rerun starts a new run with the same input",
    async act(world) {
      const first = await world.start(["say"]);
      await world.end(first);
      const again = await world.api.startRun("script", { rerunOf: first, runId: "again" });
      assert.deepEqual(again.payload, { path: ["say"] });
      assert.deepEqual(await world.result("again"), ["completed", 0]);
    },
  },
  {
    what: "fork: a run begins with the first messages of another",
    async act(world) {
      const first = await world.start(["say", "other", "say"]);
      await world.end(first);
      await world.api.startRun("script", { rerunOf: first, fromRound: 3, runId: "forked" });
      assert.deepEqual(await world.result("forked"), ["completed", 0]);
      assert.deepEqual(world.contents("forked"), ["said 1", "other", "said 3"]);
    },
    async refused(world) {
      const first = await world.start(["say", "other"]);
      await world.end(first);
      const request = { rerunOf: first, fromRound: 2, runId: "forked" };
      assert.equal(await codeOf(world.api.startRun("script", request)), "ENGINE_CANNOT");
    },
  },
];

const changes: readonly Ability[] = [
  {
    what: "kill ends a run at once, whatever it does, with exit code 137; an ended one is not killed",
    async act(world) {
      const busy = await world.start(["slow"]), asks = await world.start(["ask"]);
      await world.working(busy);
      await world.asked(asks);
      for (const run of [busy, asks]) assert.equal((await world.api.killRun(run, "enough")).status, "killed");
      assert.deepEqual([await world.result(busy), await world.result(asks)], [["killed", 137], ["killed", 137]]);
      assert.equal(await codeOf(world.api.killRun(busy, null)), "RUN_ENDED");
      assert.equal((await world.end(busy)).reason, "enough");
    },
  },
  {
    what: "pause takes a run off its role, and resume lets it go on from there",
    async act(world) {
      const run = await world.start(["say", "slow", "other"], { ms: 400 });
      await world.working(run);
      assert.equal((await world.api.pauseRun(run, "lunch")).status, "paused");
      assert.equal((await world.api.resumeRun(run)).status, "started");
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.contents(run), ["said 1", "slow", "other"]);
    },
  },
  {
    what: "a waiting run is paused, and waits again after resume",
    async act(world) {
      const run = await world.start(["ping", "say"]);
      await world.reaches(run, "waiting");
      assert.equal((await world.api.pauseRun(run, null)).status, "paused");
      assert.equal((await world.api.resumeRun(run)).status, "waiting");
      await world.api.sendEvent(run, { name: "ping", key: "1", payload: {} });
      assert.deepEqual(await world.result(run), ["completed", 0]);
    },
  },
  {
    what: "the death of the workflow's process costs an attempt, and no finished role runs again",
    async act(world) {
      const run = await world.start(["say", "slow", "say"], { ms: 1_000 });
      await world.working(run);
      Deno.kill(world.workspace.pid("script"), "SIGKILL");
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.equal((await world.end(run)).attempt, 2);
      const said = world.workspace.events.filter((each) => each.kind === "log" && each.message === `say ${run}:1`);
      assert.equal(said.length, 1);
    },
  },
  {
    what: "code that is saved while a run goes on: it moves to it, and goes on",
    async act(world) {
      const run = await world.start(["say", "ping", "other"]);
      await world.reaches(run, "waiting");
      world.workspace.write("workflows/script/index.ts", script.replace('content: "other"', 'content: "new"'));
      await world.api.reload();
      await world.api.sendEvent(run, { name: "ping", key: "1" });
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.equal(world.contents(run)[2], "new");
    },
  },
];

const records: readonly Ability[] = [
  {
    what: "rows: each change is one, in order, and every row has the cause of its run",
    async act(world) {
      const run = await world.start(["say", "nap"]);
      await world.end(run);
      const rows = (await world.rows(run)).filter(({ type }) => type.startsWith("run."));
      const types = rows.map(({ type }) => type);
      const changes = types.filter((type) => type !== "run.queued" && type !== "run.log");
      assert.deepEqual(changes, [
        "run.started",
        "run.message",
        "run.waiting",
        "run.message",
        "run.completed",
        "run.closed",
      ]);
      const end = rows.find(({ type }) => type === "run.completed");
      assert.equal(rows.find(({ type }) => type === "run.closed")?.causeId, end?.id);
    },
  },
  {
    what: "why: a run leads back to what started it",
    async act(world) {
      const run = await world.start(["say"]);
      assert.deepEqual((await world.end(run)).trigger, { kind: "manual" });
      const [first] = await world.rows(run);
      assert.equal(first?.refId, run);
    },
  },
];

export const abilities: readonly Ability[] = [...ends, ...starts, ...changes, ...waits, ...records];
