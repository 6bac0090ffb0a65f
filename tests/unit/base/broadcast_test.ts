import assert from "node:assert/strict";
import { Broadcast, type Subscription } from "../../../src/base/broadcast.ts";
import { subscriberQueueMax } from "../../../src/base/limits.ts";
import fc from "../../support/fast_check.ts";

async function readAll<E>(subscription: Subscription<E>): Promise<E[]> {
  const seen: E[] = [];
  for await (const event of subscription) seen.push(event);
  return seen;
}

Deno.test("every subscriber gets all events since it subscribed, in order", async () => {
  const bus = new Broadcast<number>();
  const early = bus.subscribe();
  bus.publish(1);
  const late = bus.subscribe();
  bus.publish(2);
  bus.close();
  assert.deepEqual(await readAll(early), [1, 2]);
  assert.deepEqual(await readAll(late), [2]);
});

Deno.test("a waiting reader is woken by the next event, and by the end", async () => {
  const bus = new Broadcast<string>();
  const subscription = bus.subscribe();
  const first = subscription.next(), second = subscription.next(), third = subscription.next();
  bus.publish("a");
  bus.publish("b");
  bus.close();
  assert.deepEqual(await first, { done: false, value: "a" });
  assert.deepEqual(await second, { done: false, value: "b" });
  assert.deepEqual(await third, { done: true, value: undefined });
});

Deno.test("a full queue loses its oldest events and counts them, for the slow subscriber only", async () => {
  const bus = new Broadcast<number>();
  const slow = bus.subscribe(), quick = bus.subscribe();
  const total = subscriberQueueMax + 10;
  for (let n = 0; n < total; n++) {
    bus.publish(n);
    assert.deepEqual(await quick.next(), { done: false, value: n });
  }
  bus.close();
  assert.equal(slow.dropped, 10);
  assert.equal(quick.dropped, 0);
  const seen = await readAll(slow);
  assert.equal(seen.length, subscriberQueueMax);
  assert.equal(seen[0], 10);
  assert.equal(seen.at(-1), total - 1);
});

Deno.test("a queue is bounded in bytes too, and holds one event however large it is", async () => {
  const bus = new Broadcast<string>(100, 1_000), slow = bus.subscribe();
  for (const letter of ["a", "b", "c", "d"]) bus.publish(letter.repeat(398));
  assert.equal(slow.dropped, 2);
  bus.publish("e".repeat(5_000));
  assert.equal(slow.dropped, 4);
  bus.publish("f");
  bus.close();
  assert.deepEqual([await readAll(slow), slow.dropped], [["f"], 5]);
});

Deno.test("undefined is an event like any other", async () => {
  const bus = new Broadcast<undefined>();
  const subscription = bus.subscribe();
  bus.publish(undefined);
  assert.deepEqual(await subscription.next(), { done: false, value: undefined });
});

Deno.test("closing a subscription, or leaving its loop, discards waiting events and unsubscribes", async () => {
  const bus = new Broadcast<number>();
  const closed = bus.subscribe(), abandoned = bus.subscribe();
  bus.publish(1);
  bus.publish(2);
  closed.close();
  for await (const event of abandoned) {
    assert.equal(event, 1);
    break;
  }
  assert.equal(bus.subscribers, 0);
  bus.publish(3);
  assert.deepEqual(await readAll(closed), []);
  assert.deepEqual(await readAll(abandoned), []);
});

Deno.test("closing a subscription ends a waiting reader", async () => {
  const subscription = new Broadcast<number>().subscribe();
  const waiting = subscription.next();
  subscription.close();
  assert.deepEqual(await waiting, { done: true, value: undefined });
});

Deno.test("a subscriber to a closed bus reads the end, and publishing to it does nothing", async () => {
  const bus = new Broadcast<number>();
  bus.close();
  bus.publish(1);
  assert.deepEqual(await readAll(bus.subscribe()), []);
  assert.equal(bus.subscribers, 0);
});

Deno.test("for any order of publishing and reading: read + dropped + waiting = published, newest kept, in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { maxLength: 60, size: "max" }),
      async (max, steps) => {
        const bus = new Broadcast<number>(max);
        const subscription = bus.subscribe();
        const model: number[] = [], read: number[] = [], expected: number[] = [];
        let published = 0, dropped = 0;
        for (const publish of steps) {
          if (publish) {
            bus.publish(published);
            model.push(published++);
            if (model.length > max) dropped += model.splice(0, 1).length;
          } else if (model.length > 0) {
            const { value } = await subscription.next();
            read.push(value as number);
            expected.push(model.shift() as number);
          }
        }
        bus.close();
        assert.deepEqual(read, expected);
        assert.deepEqual(await readAll(subscription), model);
        assert.equal(subscription.dropped, dropped);
      },
    ),
    { numRuns: 200 },
  );
});
