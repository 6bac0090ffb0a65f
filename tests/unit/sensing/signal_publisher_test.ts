/**
 * Signals are published in order, once they are on disk. The test plays the disk. Danger: a listener that acts on a
 * signal that a crash takes back.
 */
import assert from "node:assert/strict";
import type { Signal } from "../../../src/protocol/signal.ts";
import { SignalPublisher } from "../../../src/sensing/signal_publisher.ts";

function setUp(listened = false) {
  const stored = new Set<number>(),
    heard: string[] = [],
    commits: PromiseWithResolvers<void>[] = [],
    hurried: boolean[] = [];
  const publisher = new SignalPublisher({
    durable: (hurry) => {
      hurried.push(hurry);
      commits.push(Promise.withResolvers());
      return commits.at(-1)?.promise ?? assert.fail();
    },
    isStored: (id) => stored.has(id),
    inbox: { hasListeners: () => listened, add: ({ id }) => void heard.push(`kept ${id}`) },
    emit: (event) => void (event.kind === "signal" && heard.push(`told ${event.signal.id}`)),
    onSignal: ({ id }) => void heard.push(`triggered ${id}`),
  });
  const publish = (id: number, awaited = false) =>
    publisher.publish({ id, sense: "a", payload: null, ts: 0 } satisfies Signal, awaited);
  return { publish, commits, hurried, heard, stored };
}

Deno.test("nobody hears of a signal before its commit, and then in the order of the log", async () => {
  const { publish, commits, heard } = setUp(), first = publish(1), second = publish(2);
  commits[1]?.resolve();
  await Promise.resolve();
  assert.deepEqual(heard, []);
  commits[0]?.resolve();
  assert.deepEqual(await Promise.all([first, second]), [null, null]);
  assert.deepEqual(heard, ["told 1", "kept 1", "triggered 1", "told 2", "kept 2", "triggered 2"]);
});

Deno.test("a lost signal is told to nobody, and holds back none", async () => {
  const { publish, commits, heard } = setUp(), first = publish(1), second = publish(2);
  commits[0]?.reject(new Error("the disk is full"));
  commits[1]?.resolve();
  assert.deepEqual(await Promise.all([first, second]), ["the disk is full", null]);
  assert.deepEqual(heard, ["told 2", "kept 2", "triggered 2"]);
});

Deno.test("a signal is told although another row of its commit was lost", async () => {
  const { publish, commits, heard, stored } = setUp(), first = publish(1);
  stored.add(1);
  commits[0]?.reject(new Error("another operation failed"));
  assert.equal(await first, null);
  assert.equal(heard.length, 3);
});

Deno.test("a commit is hurried for a sense that listens, and for a caller that waits", () => {
  const alone = setUp(), listened = setUp(true);
  for (const awaited of [false, true]) {
    void alone.publish(1, awaited);
    void listened.publish(1, awaited);
  }
  assert.deepEqual([alone.hurried, listened.hurried], [[false, true], [true, true]]);
});
