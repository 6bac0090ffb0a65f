/** The part of list.ts about what is written down of runs: rows of the log, their causes, and what `nerve why` says. */
import assert from "node:assert/strict";
import type { Ability } from "./world.ts";

export const records: readonly Ability[] = [
  {
    what: "rows: each change of a run is one, in order, and what a role logs",
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
      const said = world.workspace.events.filter((each) => each.kind === "log" && each.message === `say ${run}:1`);
      assert.equal(said.length, 1);
    },
  },
  {
    what: "causes: every row of a run that a sense started leads to what the sense said; why tells it",
    async act(world) {
      const computed = await world.workspace.trigger("bell");
      assert.equal(computed.kind, "run");
      const run = computed.kind === "run" ? computed.runId : "";
      assert.deepEqual(await world.result(run), ["completed", 0]);
      const { trigger, causeId, prompt, payload } = await world.end(run);
      assert.deepEqual([trigger, prompt, payload], [{ kind: "sense", sense: "bell" }, "ding", { path: ["say"] }]);
      const [cause] = await world.workspace.rows({ source: "sense:bell", type: "sense.directive" });
      assert.equal(causeId, cause?.id);
      // What a role logs is said by the run, and is no consequence.
      for (const row of (await world.rows(run)).filter(({ type }) => type !== "run.log")) {
        const causes = (await world.why(String(row.id))).map(({ id }) => id);
        assert.ok(causes.includes(cause?.id ?? -1), `${row.type} is there because of ${causes.join()}`);
      }
      assert.deepEqual((await world.why(run)).map(({ type }) => type).slice(1), ["sense.directive", "sense.triggered"]);
    },
  },
  {
    what: "why: a run that a person started has no cause before it, and tells who decided in it",
    async act(world) {
      const run = await world.start(["ask"]), { id, digest } = await world.asked(run);
      await world.api.decide(id, { option: "approve", digest, token: "t", by: "ada" });
      assert.deepEqual((await world.end(run)).trigger, { kind: "manual" });
      assert.deepEqual((await world.why(run)).map(({ refId }) => refId), [run]);
      assert.match(await world.nerve("why", run), /ada decided approve/);
    },
  },
];
