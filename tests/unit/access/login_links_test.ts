/** One-time links. Dangers: one that opens two sessions, one that is guessed, and strangers who fill the memory. */
import assert from "node:assert/strict";
import { guessesMax, guessEveryMs, linkMs, linksMax, strangersMax } from "../../../src/base/access_limits.ts";
import { Guesses } from "../../../src/access/guesses.ts";
import { limited, LoginLinks } from "../../../src/access/login_links.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const unknown = { code: "LINK_UNKNOWN" }, used = { code: "LINK_USED" }, tooMany = { code: "ACCESS_LIMITED" };

function makeLinks() {
  const clock = new FakeClock();
  const guesses = new Guesses(clock);
  return { clock, guesses, links: new LoginLinks(clock, guesses) };
}

/** The link with another secret of the same length. */
function alter(text: string): string {
  return text.slice(0, -4) + (text.endsWith("AAAA") ? "BBBB" : "AAAA");
}

Deno.test("a link opens a session of its own scope, once", async () => {
  const { links } = makeLinks();
  const read = await links.make("read"), operate = await links.make("operate");
  assert.deepEqual([await links.use(operate.text), await links.use(read.text)], ["operate", "read"]);
  for (const { text } of [read, operate]) await assert.rejects(links.use(text), used);
});

Deno.test("of many who come with a link at the same time one is let in", async () => {
  const { links } = makeLinks(), { text } = await links.make("read");
  const ends = await Promise.allSettled(Array.from({ length: 20 }, () => links.use(text)));
  assert.equal(ends.filter(({ status }) => status === "fulfilled").length, 1);
  for (const end of ends) if (end.status === "rejected") assert.equal(end.reason.code, "LINK_USED");
});

Deno.test("a link opens until the moment at which it expires, and then it was never given", async () => {
  const { clock, links } = makeLinks(), early = await links.make("read"), late = await links.make("read");
  assert.equal(late.expires, clock.now() + linkMs);
  await clock.tick(linkMs - 1);
  assert.equal(await links.use(early.text), "read");
  await clock.tick(1);
  await assert.rejects(links.use(late.text), unknown);
  await assert.rejects(links.use(early.text), unknown);
});

Deno.test("what is no link is unknown, with what to do, whatever it is", async () => {
  const { links } = makeLinks(), { text } = await links.make("read"), secret = text.slice(-43);
  const strange = ["", "\0", "x".repeat(100_000), "nerve_", secret, ` ${text}`, `${text}=`, text.toUpperCase(), "é"];
  for (const wrong of strange) {
    await assert.rejects(links.use(wrong), { ...unknown, hint: "make a new one: nerve dashboard" }, wrong.slice(0, 50));
  }
  assert.equal(await links.use(text), "read");
});

Deno.test("a wrong secret uses no link up, and does not learn whether somebody else has", async () => {
  const { links } = makeLinks(), { text } = await links.make("read");
  await assert.rejects(links.use(alter(text)), { ...unknown, message: "the link is incomplete, or was changed" });
  assert.equal(await links.use(text), "read");
  await assert.rejects(links.use(alter(text)), unknown);
});

Deno.test("guesses at one link are limited, come back with time, and keep nobody out who has it", async () => {
  const { clock, links } = makeLinks(), { text } = await links.make("read");
  for (let n = 0; n < guessesMax; n++) await assert.rejects(links.use(alter(text)), unknown, `guess ${n}`);
  for (let n = 0; n < 100; n++) await assert.rejects(links.use(alter(text)), tooMany);
  await clock.tick(guessEveryMs);
  await assert.rejects(links.use(alter(text)), unknown);
  await assert.rejects(links.use(alter(text)), tooMany);
  assert.equal(await links.use(text), "read");
});

Deno.test("what was guessed at is forgotten with its link", async () => {
  const { clock, guesses, links } = makeLinks(), { text } = await links.make("read"), [, id = ""] = text.split("_");
  for (let n = 0; n < guessesMax; n++) await assert.rejects(links.use(alter(text)), unknown);
  assert.equal(guesses.mayTry(id), false);
  await clock.tick(linkMs);
  await links.make("read");
  for (let n = 0; n < 2 * (guessesMax + linkMs / guessEveryMs); n++) assert.ok(guesses.mayTry(id));
});

Deno.test("guesses at links that are not there are limited in all, and keep nobody out", async () => {
  const { links } = makeLinks(),
    { text } = await links.make("read"),
    elsewhere = (await makeLinks().links.make("read")).text;
  for (let n = 0; n < strangersMax; n++) await assert.rejects(links.use(n % 2 ? "x" : elsewhere), unknown);
  await assert.rejects(links.use("x"), tooMany);
  assert.equal(await links.use(text), "read");
});

Deno.test("the oldest link goes when there are too many", async () => {
  const { links } = makeLinks(), made: string[] = [];
  for (let n = 0; n < linksMax + 2; n++) made.push((await links.make("read")).text);
  const [first = "", second = "", third = ""] = made;
  for (const text of [first, second]) await assert.rejects(links.use(text), unknown);
  for (const text of [third, made.at(-1) ?? ""]) assert.equal(await links.use(text), "read");
});

Deno.test("no two links are alike, and a daemon that starts again knows none of before", async () => {
  const { links } = makeLinks(), texts = await Promise.all(Array.from({ length: 50 }, () => links.make("read")));
  assert.equal(new Set(texts.map(({ text }) => text)).size, 50);
  await assert.rejects(makeLinks().links.use(texts[0]?.text ?? ""), unknown);
});

Deno.test("who has tried too much is told to wait", () => {
  const { code, hint } = limited();
  assert.deepEqual([code, hint], ["ACCESS_LIMITED", "wait a minute"]);
});
