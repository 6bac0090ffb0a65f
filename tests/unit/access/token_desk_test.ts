/** Tokens and sessions: what is told to be done is on disk, and what is over opens nothing. */
import assert from "node:assert/strict";
import {
  deadTokensMax,
  linkMs,
  sessionMs,
  sessionsMax,
  tokensMax,
  tokenUseMs,
} from "../../../src/base/access_limits.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { AccessWorld } from "../../support/access_ports.ts";

const read = { scope: "read", forMs: 60_000 } as const;
const code = (code: string) => (thrown: unknown) => thrown instanceof NerveError && thrown.code === code;

async function open(world: AccessWorld, scope: "read" | "operate" = "operate") {
  const { text } = await world.desk.makeLink(scope);
  return await world.desk.openSession(text);
}

Deno.test("a token opens until it expires or is revoked, also for the next daemon, and each end has its error", async () => {
  const world = new AccessWorld(), { desk, clock } = world;
  const { secret, token } = await desk.create({ name: "prometheus", ...read });
  assert.deepEqual([token.state, token.used, token.expires], ["live", null, clock.now() + 60_000]);
  const credential = { kind: "token", text: secret } as const;
  const { name, scope } = await desk.admit(credential);
  assert.deepEqual([name, scope], ["prometheus", "read"]);
  world.restart();
  assert.equal((await world.desk.admit(credential)).name, "prometheus");
  await clock.tick(60_000);
  await assert.rejects(world.desk.admit(credential), code("ACCESS_EXPIRED"));
  const { secret: other } = await world.desk.create({ name: "other", scope: "operate", forMs: null });
  const admitted = await world.desk.admit({ kind: "token", text: other });
  assert.equal(admitted.ended.aborted, false);
  assert.deepEqual(await world.desk.revoke({ name: "other" }), ["other"]);
  assert.equal(admitted.ended.aborted, true);
  await assert.rejects(world.desk.admit({ kind: "token", text: other }), code("ACCESS_REVOKED"));
  world.restart();
  await assert.rejects(world.desk.admit({ kind: "token", text: other }), code("ACCESS_REVOKED"));
  assert.deepEqual(world.rows.map(({ type }) => type), ["token.created", "token.created", "token.revoked"]);
  assert.equal(JSON.stringify([...world.stored.values(), ...world.rows]).includes(secret.slice(-43)), false);
});

Deno.test("names tell what lives apart; what is over gives its name back", async () => {
  const { desk, clock } = new AccessWorld();
  await desk.create({ name: "a", ...read });
  await assert.rejects(desk.create({ name: "a", ...read }), code("TOKEN_EXISTS"));
  const both = await Promise.allSettled([desk.create({ name: "b", ...read }), desk.create({ name: "b", ...read })]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "one of them, whichever");
  await clock.tick(60_000);
  await desk.create({ name: "a", ...read });
  assert.deepEqual(desk.list().filter(({ name }) => name === "a").map(({ state }) => state), ["live"]);
  await assert.rejects(desk.revoke({ name: "nobody" }), code("TOKEN_UNKNOWN"));
  await desk.revoke({ name: "a" });
  await assert.rejects(desk.revoke({ name: "a" }), code("TOKEN_UNKNOWN"));
});

Deno.test("what lives and what is remembered of the dead is bounded", async () => {
  const world = new AccessWorld(), { desk } = world;
  for (let n = 0; n < tokensMax; n++) await desk.create({ name: `t${n}`, scope: "read", forMs: null });
  await assert.rejects(desk.create({ name: "more", ...read }), code("TOKENS_MANY"));
  const first = await open(world);
  for (let n = 0; n < sessionsMax; n++) await open(world);
  await assert.rejects(desk.admit({ kind: "session", text: first.cookie }), code("ACCESS_REVOKED"));
  assert.equal(desk.list().filter(({ kind, state }) => kind === "session" && state === "live").length, sessionsMax);
  for (let n = 0; n < deadTokensMax + 10; n++) {
    await desk.revoke({ name: `t${tokensMax - 1}` });
    await desk.create({ name: `t${tokensMax - 1}`, ...read });
  }
  assert.ok(world.stored.size <= tokensMax + sessionsMax + deadTokensMax);
  assert.equal(world.stored.size, desk.list().length);
});

Deno.test("a link opens one session and is soon of no use, and a session ends by itself", async () => {
  const world = new AccessWorld(), { desk, clock } = world;
  const { text } = await desk.makeLink("read");
  const both = await Promise.allSettled([desk.openSession(text), desk.openSession(text)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "one of them, whichever");
  await assert.rejects(desk.openSession(text), code("LINK_USED"));
  const late = await desk.makeLink("read");
  await clock.tick(linkMs);
  await assert.rejects(desk.openSession(late.text), code("LINK_UNKNOWN"));
  const changed = await desk.makeLink("read");
  await assert.rejects(desk.openSession(changed.text.slice(0, -1) + "_"), code("LINK_UNKNOWN"));
  assert.equal((await desk.openSession(changed.text)).caller.scope, "read");

  desk.start();
  const session = await open(world), credential = { kind: "session", text: session.cookie } as const;
  const admitted = await desk.admit(credential);
  await clock.tick(sessionMs);
  // Also what it follows.
  await clock.tick(60_000);
  assert.equal(admitted.ended.aborted, true);
  await assert.rejects(desk.admit(credential), code("ACCESS_EXPIRED"));
  await assert.rejects(desk.admit({ kind: "token", text: session.cookie }), code("ACCESS_UNKNOWN"));
  desk.stop();
});

Deno.test("the last use is written once a minute, and never lost to a token that cannot be saved", async () => {
  const world = new AccessWorld(), { desk, clock } = world;
  const { secret } = await desk.create({ name: "a", scope: "read", forMs: null });
  for (let n = 0; n < 100; n++) await desk.admit({ kind: "token", text: secret });
  assert.equal(world.uses.length, 1);
  await clock.tick(tokenUseMs);
  await desk.admit({ kind: "token", text: secret });
  assert.equal(world.uses.length, 2);
  world.broken = new NerveError("STORE_FAILED", "the disk is full");
  await assert.rejects(desk.create({ name: "b", ...read }), code("STORE_FAILED"));
  assert.deepEqual(desk.list().map(({ name }) => name), ["a"]);
});

Deno.test("a revocation that could not be written opens nothing any more, and is written when it is asked for again", async () => {
  const world = new AccessWorld(), { desk } = world;
  const { secret } = await desk.create({ name: "a", scope: "read", forMs: null }), session = await open(world);
  world.broken = new NerveError("STORE_FAILED", "the disk is full");
  await assert.rejects(desk.revoke({ name: "a" }), code("STORE_FAILED"));
  await assert.rejects(desk.revoke({ sessions: true }), code("STORE_FAILED"));
  await assert.rejects(desk.admit({ kind: "token", text: secret }), code("ACCESS_REVOKED"));
  world.broken = null;
  assert.deepEqual(await desk.revoke({ name: "a" }), ["a"]);
  assert.equal((await desk.revoke({ sessions: true })).length, 1);
  world.restart();
  await assert.rejects(world.desk.admit({ kind: "token", text: secret }), code("ACCESS_REVOKED"));
  await assert.rejects(world.desk.admit({ kind: "session", text: session.cookie }), code("ACCESS_REVOKED"));
});

Deno.test("wrong secrets are limited, and keep nobody out who has the right one", async () => {
  const { desk } = new AccessWorld();
  const { secret } = await desk.create({ name: "a", scope: "read", forMs: null }), wrong = secret.slice(0, -4) + "AAAA";
  let last: unknown = null;
  for (let n = 0; n < 1_000; n++) await desk.admit({ kind: "token", text: wrong }).catch((thrown) => last = thrown);
  assert.ok(code("ACCESS_LIMITED")(last), String(last));
  assert.equal((await desk.admit({ kind: "token", text: secret })).name, "a");
});

Deno.test("every denial is counted, and told once in a while", () => {
  const world = new AccessWorld();
  const error = new NerveError("ACCESS_MISSING", "the request shows neither a token nor a session");
  for (let n = 0; n < 1_000; n++) world.desk.onDenied(error, null);
  assert.deepEqual([world.desk.denied, world.rows.length, world.problems.length], [{ ACCESS_MISSING: 1_000 }, 1, 1]);
});
