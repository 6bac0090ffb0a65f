/** Tokens and sessions: what is reported as done is on disk, and what has ended opens nothing. */
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
  const { text } = await world.control.makeLink(scope);
  return await world.control.openSession(text);
}

Deno.test("a token opens until it expires or is revoked, also for the next daemon, and each end has its error", async () => {
  const world = new AccessWorld(), { control, clock } = world;
  const { secret, token } = await control.create({ name: "prometheus", ...read });
  assert.deepEqual([token.state, token.used, token.expires], ["live", null, clock.now() + 60_000]);
  const credential = { kind: "token", text: secret } as const;
  const { name, scope } = await control.admit(credential);
  assert.deepEqual([name, scope], ["prometheus", "read"]);
  world.restart();
  assert.equal((await world.control.admit(credential)).name, "prometheus");
  await clock.tick(60_000);
  await assert.rejects(world.control.admit(credential), code("ACCESS_EXPIRED"));
  const { secret: other } = await world.control.create({ name: "other", scope: "operate", forMs: null });
  const admitted = await world.control.admit({ kind: "token", text: other });
  assert.equal(admitted.ended.aborted, false);
  assert.deepEqual(await world.control.revoke({ name: "other" }), ["other"]);
  assert.equal(admitted.ended.aborted, true);
  await assert.rejects(world.control.admit({ kind: "token", text: other }), code("ACCESS_REVOKED"));
  world.restart();
  await assert.rejects(world.control.admit({ kind: "token", text: other }), code("ACCESS_REVOKED"));
  assert.deepEqual(world.rows.map(({ type }) => type), ["token.created", "token.created", "token.revoked"]);
  assert.equal(JSON.stringify([...world.stored.values(), ...world.rows]).includes(secret.slice(-43)), false);
});

Deno.test("names tell what lives apart; what is over gives its name back", async () => {
  const { control, clock } = new AccessWorld();
  await control.create({ name: "a", ...read });
  await assert.rejects(control.create({ name: "a", ...read }), code("TOKEN_EXISTS"));
  const both = await Promise.allSettled([
    control.create({ name: "b", ...read }),
    control.create({ name: "b", ...read }),
  ]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "one of them, whichever");
  await clock.tick(60_000);
  await control.create({ name: "a", ...read });
  assert.deepEqual(control.list().filter(({ name }) => name === "a").map(({ state }) => state), ["live"]);
  await assert.rejects(control.revoke({ name: "nobody" }), code("TOKEN_UNKNOWN"));
  await control.revoke({ name: "a" });
  await assert.rejects(control.revoke({ name: "a" }), code("TOKEN_UNKNOWN"));
});

Deno.test("what lives and what is remembered of the dead is bounded", async () => {
  const world = new AccessWorld(), { control } = world;
  for (let n = 0; n < tokensMax; n++) await control.create({ name: `t${n}`, scope: "read", forMs: null });
  await assert.rejects(control.create({ name: "more", ...read }), code("TOKENS_MANY"));
  const first = await open(world);
  for (let n = 0; n < sessionsMax; n++) await open(world);
  await assert.rejects(control.admit({ kind: "session", text: first.cookie }), code("ACCESS_REVOKED"));
  assert.equal(control.list().filter(({ kind, state }) => kind === "session" && state === "live").length, sessionsMax);
  for (let n = 0; n < deadTokensMax + 10; n++) {
    await control.revoke({ name: `t${tokensMax - 1}` });
    await control.create({ name: `t${tokensMax - 1}`, ...read });
  }
  assert.ok(world.stored.size <= tokensMax + sessionsMax + deadTokensMax);
  assert.equal(world.stored.size, control.list().length);
});

Deno.test("a link opens one session and is soon of no use, and a session ends by itself", async () => {
  const world = new AccessWorld(), { control, clock } = world;
  const { text } = await control.makeLink("read");
  const both = await Promise.allSettled([control.openSession(text), control.openSession(text)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ["fulfilled", "rejected"], "one of them, whichever");
  await assert.rejects(control.openSession(text), code("LINK_USED"));
  const late = await control.makeLink("read");
  await clock.tick(linkMs);
  await assert.rejects(control.openSession(late.text), code("LINK_UNKNOWN"));
  const changed = await control.makeLink("read");
  await assert.rejects(control.openSession(changed.text.slice(0, -1) + "_"), code("LINK_UNKNOWN"));
  assert.equal((await control.openSession(changed.text)).caller.scope, "read");

  control.start();
  const session = await open(world), credential = { kind: "session", text: session.cookie } as const;
  const admitted = await control.admit(credential);
  await clock.tick(sessionMs);
  // Streams that the session follows end, too.
  await clock.tick(60_000);
  assert.equal(admitted.ended.aborted, true);
  await assert.rejects(control.admit(credential), code("ACCESS_EXPIRED"));
  await assert.rejects(control.admit({ kind: "token", text: session.cookie }), code("ACCESS_UNKNOWN"));
  control.stop();
});

Deno.test("the last use is written once a minute, and never lost to a token that cannot be saved", async () => {
  const world = new AccessWorld(), { control, clock } = world;
  const { secret } = await control.create({ name: "a", scope: "read", forMs: null });
  for (let n = 0; n < 100; n++) await control.admit({ kind: "token", text: secret });
  assert.equal(world.uses.length, 1);
  await clock.tick(tokenUseMs);
  await control.admit({ kind: "token", text: secret });
  assert.equal(world.uses.length, 2);
  world.broken = new NerveError("STORE_FAILED", "the disk is full");
  await assert.rejects(control.create({ name: "b", ...read }), code("STORE_FAILED"));
  assert.deepEqual(control.list().map(({ name }) => name), ["a"]);
});

Deno.test("a revocation that could not be written opens nothing any more, and is written when it is asked for again", async () => {
  const world = new AccessWorld(), { control } = world;
  const { secret } = await control.create({ name: "a", scope: "read", forMs: null }), session = await open(world);
  world.broken = new NerveError("STORE_FAILED", "the disk is full");
  await assert.rejects(control.revoke({ name: "a" }), code("STORE_FAILED"));
  await assert.rejects(control.revoke({ sessions: true }), code("STORE_FAILED"));
  await assert.rejects(control.admit({ kind: "token", text: secret }), code("ACCESS_REVOKED"));
  world.broken = null;
  assert.deepEqual(await control.revoke({ name: "a" }), ["a"]);
  assert.equal((await control.revoke({ sessions: true })).length, 1);
  world.restart();
  await assert.rejects(world.control.admit({ kind: "token", text: secret }), code("ACCESS_REVOKED"));
  await assert.rejects(world.control.admit({ kind: "session", text: session.cookie }), code("ACCESS_REVOKED"));
});

Deno.test("wrong secrets are limited, and keep nobody out who has the right one", async () => {
  const { control } = new AccessWorld();
  const { secret } = await control.create({ name: "a", scope: "read", forMs: null }),
    wrong = secret.slice(0, -4) + "AAAA";
  let last: unknown = null;
  for (let n = 0; n < 1_000; n++) await control.admit({ kind: "token", text: wrong }).catch((thrown) => last = thrown);
  assert.ok(code("ACCESS_LIMITED")(last), String(last));
  assert.equal((await control.admit({ kind: "token", text: secret })).name, "a");
});

Deno.test("every denial is counted, and told once in a while", () => {
  const world = new AccessWorld();
  const error = new NerveError("ACCESS_MISSING", "the request shows neither a token nor a session");
  for (let n = 0; n < 1_000; n++) world.control.onDenied(error, null);
  assert.deepEqual([world.control.denied, world.rows.length, world.problems.length], [{ ACCESS_MISSING: 1_000 }, 1, 1]);
});
