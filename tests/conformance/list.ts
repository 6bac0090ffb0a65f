/** What a workflow can do, on every engine: each is tried by conformance_test.ts on the local engine and on Restate. */
import assert from "node:assert/strict";
import { code } from "./code.ts";
import { records } from "./records.ts";
import { signed } from "./signed.ts";
import { waits } from "./waits.ts";
import { type Ability, codeOf } from "./world.ts";

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
    what: "a moderator ends a run as failed, with exit code 1, or as killed, with 137, for its own reason",
    async act(world) {
      const failed = await world.start(["say"], { ends: "fail" }),
        killed = await world.start(["say"], { ends: "kill" });
      assert.deepEqual([await world.result(failed), await world.result(killed)], [["failed", 1], ["killed", 137]]);
      assert.deepEqual([(await world.end(failed)).reason, (await world.end(killed)).reason], ["no paper", "no need"]);
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
      const good = await world.start(["say"]), bad = await world.start(["fails"]), killed = await world.start(["ask"]);
      await world.asked(killed);
      await world.api.killRun(killed, null);
      for (const [run, how] of [[good, "completed"], [bad, "failed"], [killed, "killed"]] as const) {
        await world.end(run);
        assert.deepEqual((await world.rowsOf(run, "run.closed")).map(({ content }) => content), [`closed: ${how}`]);
      }
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
    what: "what is just within the limits is kept whole: payload, prompt, message, event",
    async act(world) {
      // In JSON, a control character takes six times its place.
      const text = "x".repeat(255 * 1024),
        prompt = "\u0001".repeat(64 * 1024),
        event = { text: "é".repeat(119 * 1024) };
      const run = await world.start(["full", "ping"], { text }, { prompt });
      await world.api.sendEvent(run, { name: "ping", key: "1", payload: event });
      assert.deepEqual(await world.result(run), ["completed", 0]);
      const { payload, ...rest } = await world.end(run);
      assert.deepEqual([payload, rest.prompt], [{ path: ["full", "ping"], text }, prompt]);
      assert.ok(world.contents(run)[0] === "\u0001".repeat(1024 * 1024), "the message has changed");
      assert.deepEqual([world.meta(run, 1), world.meta(run, 2).payload], [{ text: "y".repeat(255 * 1024) }, event]);
    },
  },
  {
    what: "a start in a while, or at a time, waits for it",
    async act(world) {
      const due = Date.now() + 300, payload = { path: ["say"] };
      for (const when of [{ inMs: 300 }, { at: due }]) {
        const asked = await world.api.startRun("script", { payload, ...when });
        // On a machine that stalls, it may be late already.
        assert.ok(asked.status === "queued" || asked.queuedAt >= due, asked.status);
        assert.deepEqual(await world.result(asked.runId), ["completed", 0]);
        assert.ok(((await world.end(asked.runId)).startedAt ?? 0) >= due - 1);
      }
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
];

export const abilities: readonly Ability[] = [...ends, ...starts, ...changes, ...waits, ...code, ...records, ...signed];
