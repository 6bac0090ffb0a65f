/** The part of list.ts about runs that wait: for a time, an event, a person, other runs. */
import assert from "node:assert/strict";
import { type Ability, codeOf } from "./world.ts";

export const waits: readonly Ability[] = [
  {
    what: "sleep, for a span and until a time: the run goes on when it is over",
    async act(world) {
      const until = Date.now() + 400, run = await world.start(["nap", "until", "say"], { until });
      const past = await world.start(["until"], { until: 0 });
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual([typeof world.meta(run, 1).until, world.meta(run, 2).until], ["number", until]);
      assert.ok(((await world.end(run)).endedAt ?? 0) >= until);
      assert.deepEqual(await world.result(past), ["completed", 0]);
    },
  },
  {
    what: "event: one that comes before its wait is kept, the same key counts once, and silence times out",
    async act(world) {
      const run = await world.start(["slow", "ping", "silence"], { ms: 200 }),
        event = { name: "ping", key: "k", payload: { n: 1 } };
      await world.working(run);
      for (const times of [1, 2]) assert.ok((await world.api.sendEvent(run, event)) !== null, String(times));
      assert.equal(await codeOf(world.api.sendEvent(run, { ...event, payload: { n: 2 } })), "EVENT_CONFLICT");
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual([world.meta(run, 2).payload, world.meta(run, 3).timedOut], [{ n: 1 }, true]);
    },
  },
  {
    what: "gate: a decision names the digest, its token replays it, and another one is refused",
    async act(world) {
      const run = await world.start(["say", "ask", "other"]), { id, digest } = await world.asked(run);
      const decision = { option: "approve", digest, token: "t", by: "ada" };
      assert.equal(
        await codeOf(world.api.decide(id, { ...decision, digest: digest.replace(/./g, "0") })),
        "APPROVAL_STALE",
      );
      assert.equal((await world.api.decide(id, decision)).replayed, false);
      assert.equal((await world.api.decide(id, decision)).replayed, true);
      assert.equal(
        await codeOf(world.api.decide(id, { ...decision, option: "reject", token: "u" })),
        "APPROVAL_DECIDED",
      );
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual([world.meta(run, 2).decision, world.meta(run, 2).by], ["approve", "ada"]);
      assert.equal(
        await codeOf(world.api.decide(id, { ...decision, token: "v", option: "reject" })),
        "APPROVAL_DECIDED",
      );
    },
  },
  {
    what: "gate: nobody decides in time",
    async act(world) {
      const run = await world.start(["expiring"]);
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual([world.meta(run, 1).decision, world.meta(run, 1).how], ["reject", "expiry"]);
    },
  },
  {
    what: "effect once: after a failure nothing runs again, and a person supplies what was done",
    async act(world) {
      const run = await world.start(["once", "say"]), { id, digest, kind } = await world.asked(run);
      assert.equal(kind, "recovery");
      const result = { content: "paid by hand", meta: { by: "ada" } };
      await world.api.decide(id, { option: "done", digest, token: "t", by: "ada", ...result });
      assert.deepEqual(await world.result(run), ["completed", 0]);
      assert.deepEqual(world.contents(run), ["paid by hand", "said 2"]);
    },
  },
  {
    what: "children: runs that a run starts and waits for",
    async act(world) {
      await world.api.startRun("parent", { runId: "parents" });
      await world.reaches("parents", "completed");
      assert.equal(world.status("parents.1.1"), "completed");
    },
    async refused(world) {
      await world.api.startRun("parent", { runId: "parents" });
      const { message } = await world.workspace.change("workflow:parent", "quarantined");
      assert.match(message, /children\(\), which engine cluster cannot do/);
    },
  },
];
