/** feed-watch against local servers with feeds, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

/** A server with one RSS feed at /feed, whose items the test sets, and other answers by `answer`. */
class FeedServer implements AsyncDisposable {
  items: string[] = [];
  answer: ((request: Request) => Response | null) | null = null;
  readonly statuses: number[] = [];
  readonly #stop = new AbortController();
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: this.#stop.signal, onListen: () => {} },
    (request) => {
      const response = this.answer?.(request) ?? this.#feed(request);
      this.statuses.push(response.status);
      return response;
    },
  );

  get host(): string {
    return `127.0.0.1:${this.#server.addr.port}`;
  }
  get url(): string {
    return `http://${this.host}/feed`;
  }

  #feed(request: Request): Response {
    const etag = `"${this.items.join()}"`;
    if (request.headers.get("if-none-match") === etag) return new Response(null, { status: 304 });
    const items = this.items.map((name) => `<item><title>${name}</title><link>/${name}</link></item>`).join("");
    return new Response(`<rss><channel>${items}</channel></rss>`, { headers: { etag } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }
}

// deno-lint-ignore no-explicit-any -- what a sense returned
const titles = (news: any): string[] => news.entries.map(({ title }: { title: string }) => title);

Deno.test("feed-watch reports new entries once, and makes conditional requests", async () => {
  await using server = new FeedServer();
  server.items = ["one", "two"];
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const config = { urls: [server.url] };
  assert.deepEqual(await sense.compute(config), { kind: "null" }, "the first time everything is old");
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  server.items = ["four", "three", "one"];
  const news = valueOf(await sense.compute(config));
  assert.deepEqual([news.count, titles(news), news.problems], [2, ["four", "three"], []]);
  assert.deepEqual(news.entries[0], {
    feed: server.url,
    title: "four",
    link: `http://${server.host}/four`,
    publishedAt: null,
  });
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  assert.deepEqual(server.statuses, [200, 304, 200, 304]);
  server.items = ["two", "one"];
  assert.deepEqual(await sense.compute(config), { kind: "null" }, "an entry that was seen before is not new");
});

long.test("feed-watch announces the entries of a new feed if configured, at most 50 in one signal", async () => {
  await using server = new FeedServer();
  server.items = Array.from({ length: 70 }, (_, index) => `item-${index}`);
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const news = valueOf(await sense.compute({ urls: [server.url], announce_first: true }));
  assert.deepEqual([news.count, news.entries.length], [70, 50]);
});

long.test("feed-watch reports a failing feed once and its recovery once, and still reads the others", async () => {
  await using server = new FeedServer();
  await using other = new FeedServer();
  await using sense = new QuietSense("feed-watch", { net: [server.host, other.host] });
  const config = { urls: [server.url, other.url] };
  await sense.compute(config);
  server.answer = () => new Response("gone", { status: 503 });
  assert.deepEqual(valueOf(await sense.compute(config)).problems, [`${server.url}: status 503`]);
  other.items = ["new"];
  const news = valueOf(await sense.compute(config));
  assert.deepEqual([titles(news), news.problems.length], [["new"], 1]);
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  server.answer = null;
  assert.deepEqual(valueOf(await sense.compute(config)), { count: 0, entries: [], problems: [] });
});

long.test("feed-watch reports a feed that it cannot read as a problem", async () => {
  await using server = new FeedServer();
  const bomb = new Uint8Array(5 * 1024 * 1024).fill(32);
  const answers: [() => Response, RegExp][] = [
    [() => new Response("<html></html>"), /neither RSS nor RDF, Atom or JSON Feed/],
    [() => new Response("not xml"), /neither RSS nor/],
    [() => new Response("<rss><channel><item></channel></rss>"), /its format is not valid/],
    [() => new Response(bomb), /larger than/],
    [
      () =>
        new Response(new Blob([bomb]).stream().pipeThrough(new CompressionStream("gzip")), {
          headers: { "content-encoding": "gzip" },
        }),
      /larger than/,
    ],
    [() => new Response("<rss/>", { headers: { "content-type": "text/xml; charset=klingon" } }), /encoding klingon/],
    [() => new Response(null, { status: 302, headers: { location: "/feed" } }), /more than 5 redirects/],
    [
      () => new Response(null, { status: 301, headers: { location: "http://127.0.0.2:8099/x" } }),
      /moved to http:\/\/127.0.0.2:8099\/x/,
    ],
    [() => new Response(null, { status: 301, headers: { location: "file:///etc/passwd" } }), /status 301/],
  ];
  for (const [answer, reason] of answers) {
    await using sense = new QuietSense("feed-watch", { net: [server.host] });
    server.answer = answer;
    const { problems } = valueOf(await sense.compute({ urls: [server.url] }));
    assert.match(problems[0], reason);
  }
});

long.test("feed-watch follows redirects and resolves relative links against the final address", async () => {
  await using server = new FeedServer();
  server.items = ["one"];
  server.answer = (request) => {
    const { pathname } = new URL(request.url);
    return pathname === "/feed" ? new Response(null, { status: 301, headers: { location: "/moved/here" } }) : null;
  };
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const news = valueOf(await sense.compute({ urls: [server.url], announce_first: true }));
  assert.equal(news.entries[0].link, `http://${server.host}/one`);
});

long.test("feed-watch uses the encoding that the server or the feed declares", async () => {
  await using server = new FeedServer();
  const latin = (head: string) =>
    Uint8Array.from(`${head}<rss><channel><item><title>\u00e4</title></item></channel></rss>`, (c) => c.charCodeAt(0));
  const answers = [
    () => new Response(latin('<?xml version="1.0" encoding="ISO-8859-1"?>')),
    () => new Response(latin(""), { headers: { "content-type": "application/rss+xml; charset=iso-8859-1" } }),
    () => new Response("\uFEFF<rss><channel><item><title>\u00e4</title></item></channel></rss>"),
    () =>
      new Response("\uFEFF<rss><channel><item><title>\u00e4</title></item></channel></rss>", {
        headers: { "content-type": "text/xml; charset=iso-8859-1" },
      }),
  ];
  for (const answer of answers) {
    await using sense = new QuietSense("feed-watch", { net: [server.host] });
    server.answer = answer;
    assert.deepEqual(titles(valueOf(await sense.compute({ urls: [server.url], announce_first: true }))), ["\u00e4"]);
  }
});

Deno.test("feed-watch tells and stores no password of an address, and keeps two users of one address apart", async () => {
  await using server = new FeedServer();
  server.answer = (request) => {
    const user = atob(request.headers.get("authorization")?.replace("Basic ", "") ?? "");
    return user === "ada:secret" ? null : new Response(null, { status: user === "bob:hidden" ? 500 : 401 });
  };
  server.items = ["one"];
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const of = (user: string) => `http://${user}@${server.host}/feed`;
  const urls = [of("ada:secret"), of("bob:hidden"), server.url];
  const found = valueOf(await sense.compute({ urls, announce_first: true }));
  assert.deepEqual(found.problems, [`${server.url} (2): status 500`, `${server.url} (3): status 401`]);
  assert.deepEqual([found.entries[0].feed, found.entries[0].link], [server.url, `http://${server.host}/one`]);
  const wrong = await sense.compute({ urls: ["http://ada:sec/ret@:x"] });
  const db = new DatabaseSync(sense.database, { readOnly: true });
  const stored = JSON.stringify([db.prepare("select * from feeds").all(), db.prepare("select * from entries").all()]);
  db.close();
  assert.doesNotMatch(JSON.stringify([found, wrong, stored, sense.logs]), /secret|hidden|sec\/ret/);
});

long.test("feed-watch gives up on a feed that never ends", async () => {
  await using server = new FeedServer();
  server.answer = () =>
    new Response(new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode("<rss>")) }));
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const { problems } = valueOf(await sense.compute({ urls: [server.url], timeout: "300ms" }));
  assert.deepEqual(problems, [`${server.url}: it took too long`]);
});

long.test("feed-watch forgets entries that their feed no longer has, and keeps the others, also while the feed is down", async () => {
  await using server = new FeedServer();
  server.items = ["old", "current"];
  await using sense = new QuietSense("feed-watch", { net: [server.host] });
  const config = { urls: [server.url], keep: "1d" };
  await sense.compute(config);
  server.items = ["current"];
  await sense.compute(config);
  const db = new DatabaseSync(sense.database);
  const age = () => db.exec("update entries set seen_at = seen_at - 2 * 86400000");
  const kept = () => db.prepare("select title from entries order by title").all().map(({ title }) => title);
  age();
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  assert.equal(server.statuses.at(-1), 304);
  assert.deepEqual(kept(), ["current"], "unchanged");
  age();
  server.answer = () => new Response(null, { status: 500 });
  await sense.compute(config);
  assert.deepEqual(kept(), ["current"], "down");
  age();
  server.answer = null;
  server.items = ["current", "newer"];
  const news = valueOf(await sense.compute(config));
  assert.deepEqual(titles(news), ["newer"]);
  db.close();
});

long.test("feed-watch rejects invalid addresses", async () => {
  await using sense = new QuietSense("feed-watch", {});
  for (const urls of [[], ["file:///etc/passwd"], ["example.com/feed"]]) {
    const outcome = await sense.compute({ urls });
    assert.ok(outcome.kind === "error" && /config\.urls/.test(outcome.message), JSON.stringify(outcome));
  }
});

long.test("feed-watch fails with NotCapable without its grant, and with the grant of another port", async () => {
  await using server = new FeedServer();
  for (const grants of [{}, { net: ["127.0.0.1:1"] }]) {
    await using sense = new QuietSense("feed-watch", grants);
    const outcome = await sense.compute({ urls: [server.url] });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
  assert.deepEqual(server.statuses, []);
});
