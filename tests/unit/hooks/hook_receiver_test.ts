/** The receiver of hooks over a log in memory whose disk a test controls. */
import assert from "node:assert/strict";
import { HookReceiver } from "../../../src/hooks/hook_receiver.ts";
import { makeProof } from "../../../src/hooks/verify_delivery.ts";
import type { HookDefinition, HookView } from "../../../src/protocol/hook.ts";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const git: HookDefinition = {
  name: "git",
  verify: "github",
  secrets: ["GIT_SECRET"],
  proof: { kind: "hmac", hash: "sha256", header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
  dedup: [{ kind: "header", name: "x-github-delivery" }, { kind: "body" }],
  maxBodyBytes: 1_000,
  rate: { count: 1_000, perMs: 1_000 },
  backlog: 3,
};

class World {
  readonly clock = new FakeClock();
  readonly rows: NewLogRow[] = [];
  readonly recorded: NewLogRow[] = [];
  readonly keys = new Map<string, number>();
  /** What a row waits for before it is on disk; null: nothing. */
  disk: Promise<string | null> | null = null;
  /** The error with which keys cannot be read. */
  unread: string | null = null;
  heard = 0;
  secret: string | null = "hunter2-secret";
  readonly receiver = new HookReceiver({
    clock: this.clock,
    append: (row, keys) => {
      const id = this.rows.push(row);
      const stored = (this.disk ?? Promise.resolve(null)).then((lost) => {
        if (lost === null) { for (const key of keys) this.keys.set(key, id); }
        return lost;
      });
      return { id, stored };
    },
    learnKeys: () => this.unread === null ? Promise.resolve() : Promise.reject(new Error(this.unread)),
    findKeys: (keys) => keys.map((key) => this.keys.get(key)).find((id) => id !== undefined) ?? null,
    listDeliveries: () => [],
    heardUpTo: () => this.heard,
    readSecret: () => this.secret,
    record: (row) => this.recorded.push(row) > 0,
    reportProblem: () => {},
  });

  constructor(definition: Partial<HookDefinition> = {}, unread: string | null = null) {
    this.unread = unread;
    this.receiver.configure(new Map([["git", { ...git, ...definition }]]), () => ["ci"]);
  }

  async send(text: string, id = text, secret = "hunter2-secret") {
    const body = new TextEncoder().encode(text);
    const proof = makeProof(git.proof, secret, { id, body, now: this.clock.now() });
    return await this.receiver.receive("git", { headers: { ...proof, "x-github-delivery": id }, body });
  }

  get counters(): Partial<HookView["counters"]> {
    const { counters } = this.receiver.views()[0] ?? {};
    return Object.fromEntries(Object.entries(counters ?? {}).filter(([, count]) => count > 0));
  }
}

Deno.test("a delivery is accepted once it is on disk, and not before", async () => {
  const world = new World(), disk = Promise.withResolvers<string | null>();
  world.disk = disk.promise;
  let answered = false;
  const answer = world.send("a").finally(() => answered = true);
  for (let n = 0; n < 20; n++) await Promise.resolve();
  assert.equal(answered, false);
  assert.deepEqual(world.counters, {});
  disk.resolve(null);
  assert.deepEqual(await answer, { kind: "accepted", id: 1 });
  assert.deepEqual(world.counters, { accepted: 1 });
});

Deno.test("the same delivery twice at once is one row, and both are told so", async () => {
  // The bug would be: both look up the key before either has written it.
  const world = new World(), disk = Promise.withResolvers<string | null>();
  world.disk = disk.promise;
  const answers = Promise.all([world.send("a"), world.send("a"), world.send("a")]);
  for (let n = 0; n < 20; n++) await Promise.resolve();
  disk.resolve(null);
  assert.deepEqual((await answers).map((answer) => answer?.kind), ["accepted", "repeated", "repeated"]);
  assert.equal(world.rows.length, 1);
  assert.deepEqual(world.counters, { accepted: 1, repeated: 2 });
});

Deno.test("a delivery that is lost is refused, also to who sent it at the same time, and may come again", async () => {
  const world = new World();
  world.disk = Promise.resolve("the disk is full");
  const [first, second] = await Promise.all([world.send("a"), world.send("a")]);
  assert.deepEqual([first?.kind, second?.kind], ["failed", "failed"]);
  world.disk = null;
  assert.equal((await world.send("a"))?.kind, "accepted");
  assert.deepEqual(world.counters, { accepted: 1, failed: 2 });
});

Deno.test("a delivery that is replayed does nothing, also under another id", async () => {
  const world = new World();
  assert.equal((await world.send("a", "id-1"))?.kind, "accepted");
  assert.deepEqual(await world.send("a", "id-1"), { kind: "repeated", id: 1 });
  assert.deepEqual(await world.send("a", "id-2"), { kind: "repeated", id: 1 });
  assert.equal(world.rows.length, 1);
  assert.deepEqual(world.recorded.map(({ type, causeId }) => [type, causeId]), Array(2).fill(["hook.repeated", 1]));
});

Deno.test("a signature without what names its delivery is refused", async () => {
  const world = new World({ dedup: [{ kind: "header", name: "x-other-id" }] });
  assert.equal((await world.send("a"))?.kind, "unproven");
});

Deno.test("a wrong signature and an unset secret are counted, and told without the secret", async () => {
  const world = new World();
  assert.equal((await world.send("a", "a", "another-secret"))?.kind, "unproven");
  world.secret = null;
  assert.equal((await world.send("a"))?.kind, "failed");
  assert.equal(world.receiver.views()[0]?.problem, "its secret GIT_SECRET is not set");
  assert.deepEqual(world.counters, { unproven: 1, failed: 1 });
  assert.equal(JSON.stringify(world.recorded).includes("secret-"), false);
});

Deno.test("a full backlog refuses what is new, and takes again what its senses make room for", async () => {
  const world = new World();
  for (const id of ["a", "b", "c"]) assert.equal((await world.send(id))?.kind, "accepted");
  assert.equal(world.receiver.views()[0]?.waiting, 3);
  assert.deepEqual(await world.send("d"), {
    kind: "backlogged",
    why: "3 deliveries wait for its senses already",
    retryAfterMs: 10_000,
  });
  assert.equal((await world.send("a"))?.kind, "repeated");
  world.heard = 1;
  assert.equal((await world.send("d"))?.kind, "accepted");
  assert.deepEqual(world.counters, { accepted: 4, repeated: 1, backlogged: 1 });
});

Deno.test("a rate lets so many through, and more when time has passed; wrong ones use none of it", async () => {
  const world = new World({ rate: { count: 2, perMs: 10_000 }, backlog: 100 });
  for (let n = 0; n < 5; n++) await world.send("x", "x", "another-secret");
  const kinds = async (...ids: string[]) =>
    (await Promise.all(ids.map((id) => world.send(id)))).map((each) => each?.kind);
  assert.deepEqual(await kinds("a", "b", "c"), ["accepted", "accepted", "limited"]);
  await world.clock.tick(5_000);
  assert.deepEqual(await kinds("d", "e"), ["accepted", "limited"]);
});

Deno.test("a hook that no sense computes for, or that is not there, takes nothing", async () => {
  const world = new World();
  assert.equal(world.receiver.bodyLimitOf("git"), 1_000);
  world.receiver.configure(new Map([["git", git]]), () => []);
  assert.equal(world.receiver.bodyLimitOf("git"), null);
  assert.equal(await world.send("a"), null);
  world.receiver.configure(new Map(), () => ["ci"]);
  assert.equal(await world.send("a"), null);
  assert.deepEqual(world.receiver.views(), []);
});

Deno.test("while the keys cannot be read a delivery is refused, and may come again", async () => {
  const world = new World({}, "disk I/O error"), refused = await world.send("a");
  assert.deepEqual([refused?.kind, world.rows.length], ["failed", 0]);
  assert.ok(refused?.kind === "failed");
  assert.equal(refused.why, "its key cannot be looked for: disk I/O error");
  world.unread = null;
  assert.equal((await world.send("a"))?.kind, "accepted");
  assert.deepEqual(world.counters, { failed: 1, accepted: 1 });
});
