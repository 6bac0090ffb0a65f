/** How many prompts of an agent are in progress: the bound holds, and waiting ones are served in order. */
import assert from "node:assert/strict";
import { Slots } from "../../../src/agents/slots.ts";

const never = new AbortController().signal;

Deno.test("no more than the bound, the rest in order; other agents do not wait", async () => {
  const slots = new Slots(), order: string[] = [];
  const take = (name: string, agent = "a") =>
    slots.take(agent, 2, never).then((release) => {
      order.push(name);
      return release;
    });
  const [first, second] = await Promise.all([take("1"), take("2")]), third = take("3"), fourth = take("4");
  await take("other", "b");
  assert.deepEqual(order, ["1", "2", "other"]);
  first?.();
  (await third)();
  await fourth;
  assert.deepEqual(order, ["1", "2", "other", "3", "4"]);
  second?.();
});

Deno.test("who gives up while it waits takes no slot", async () => {
  const slots = new Slots(), gone = new AbortController();
  const release = await slots.take("a", 1, never),
    waits = slots.take("a", 1, gone.signal),
    next = slots.take("a", 1, never);
  gone.abort(new Error("gone"));
  await assert.rejects(waits, /gone/);
  release();
  (await next)();
  (await slots.take("a", 1, never))();
  await assert.rejects(slots.take("a", 1, gone.signal), /gone/);
});
