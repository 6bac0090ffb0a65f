/** Reading feeds as feed-watch does: their items, and the tricks of hostile ones. */
import assert from "node:assert/strict";
import { parseFeed } from "../../../senses/feed-watch/feed.ts";

const url = "https://example.com/blog/feed.xml";

const rss = (items: string, more = "") =>
  `<?xml version="1.0"?><rss version="2.0" ${more}><channel>${items}</channel></rss>`;

const atom = (entries: string, more = "") => `<feed xmlns="http://www.w3.org/2005/Atom" ${more}>${entries}</feed>`;

Deno.test("an RSS item has its guid, title, link and date", () => {
  const text = rss(`<title>The channel</title><link>https://example.com/</link>
    <item><title>A &amp; B &#8212; &#x263a;</title><link>https://example.com/a</link><guid isPermaLink="false">tag:1</guid>
      <pubDate>Tue, 06 Jan 2026 03:04:05 +0100</pubDate></item>
    <item><title><![CDATA[<b>bold</b> & more]]></title><guid>https://example.com/b</guid><pubDate>soon</pubDate></item>`);
  assert.deepEqual(parseFeed(text, url), [
    {
      id: "tag:1",
      title: "A & B \u2014 \u263a",
      link: "https://example.com/a",
      publishedAt: "2026-01-06T02:04:05.000Z",
    },
    { id: "https://example.com/b", title: "<b>bold</b> & more", link: "https://example.com/b", publishedAt: null },
  ]);
});

Deno.test("an Atom entry has its id, title, alternate link and date, whatever prefix Atom has", () => {
  const text = atom(`<title>The feed</title><entry><id>urn:1</id><title type="xhtml"><div>One <em>two</em></div></title>
    <link rel="self" href="https://example.com/self"/><link href="/one"/><updated>2026-01-02T03:04:05Z</updated></entry>`);
  const expected = [{
    id: "urn:1",
    title: "One two",
    link: "https://example.com/one",
    publishedAt: "2026-01-02T03:04:05.000Z",
  }];
  assert.deepEqual(parseFeed(text, url), expected);
  const prefixed = text.replace("xmlns=", "xmlns:a=").replaceAll(/<(\/?)(\w)/g, "<$1a:$2");
  assert.deepEqual(parseFeed(prefixed, url), expected);
});

Deno.test("elements of other namespaces are not taken for the feed's own", () => {
  const text = rss(
    `<item><media:title>wrong</media:title><atom:link href="https://evil.example/"/><title>right</title>
     <link>https://example.com/a</link><dc:title xmlns:dc="urn:dc">wrong</dc:title><unknown:guid>wrong</unknown:guid></item>`,
    'xmlns:media="urn:media" xmlns:atom="http://www.w3.org/2005/Atom"',
  );
  assert.deepEqual(parseFeed(text, url).map(({ title, link, id }) => [title, link, id]), [
    ["right", "https://example.com/a", "https://example.com/a"],
  ]);
  assert.throws(() => parseFeed("<html><entry><title>x</title></entry></html>", url), /neither RSS nor RDF, Atom/);
});

Deno.test("relative links are relative to xml:base, else to the feed; links other than http are left out", () => {
  const link = (href: string, base = "") =>
    parseFeed(atom(`<entry ${base}><link href="${href}"/></entry>`), url)[0]?.link;
  assert.equal(link("post/1"), "https://example.com/blog/post/1");
  assert.equal(link("../x?a=1&amp;b=2"), "https://example.com/x?a=1&b=2");
  assert.equal(link("1", 'xml:base="/other/"'), "https://example.com/other/1");
  for (
    const evil of [
      "javascript:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "https://[",
      "http://x/" + "a".repeat(2_000),
    ]
  ) {
    assert.equal(link(evil), null, evil.slice(0, 40));
  }
  const nested = atom('<entry xml:base="2026/"><link href="post"/></entry>', 'xml:base="https://cdn.example/b/"');
  assert.equal(parseFeed(nested, url)[0]?.link, "https://cdn.example/b/2026/post");
});

Deno.test("an item without a guid is identified by its link, without both by its whole content", () => {
  const ids = (items: string) => parseFeed(rss(items), url).map(({ id }) => id);
  assert.deepEqual(ids("<item><title>a</title><link>/x</link></item>"), ["https://example.com/x"]);
  const [first, second, third] = ids(
    "<item><title>a</title></item><item><title>a</title><description>b</description></item><item><description>c</description></item>",
  );
  assert.equal(new Set([first, second, third]).size, 3);
});

Deno.test("long titles are cut, and entries after the first thousand are left out", () => {
  const text = rss(`<item><title>${"\u{1f600}".repeat(300)}</title></item>`.repeat(1_500));
  const entries = parseFeed(text, url);
  assert.equal(entries.length, 1_000);
  assert.equal([...entries[0]?.title ?? ""].length, 200);
});

Deno.test("a namespace that RSS does not have is no reason to find nothing in it", () => {
  for (
    const uri of [
      "http://backend.userland.com/rss2",
      "https://cyber.harvard.edu/rss/rss.html",
      "http://www.w3.org/2005/Atom",
      "http://purl.org/rss/1.0/",
      "urn:x",
    ]
  ) {
    const items = "<item><title>one</title><a:title xmlns:a='urn:a'>wrong</a:title></item>";
    assert.deepEqual(parseFeed(rss(items, `xmlns='${uri}'`), url).map(({ title }) => title), ["one"], uri);
    const onChannel = rss(items).replace("<channel>", `<!-- <rss> --><channel xmlns="${uri}">`);
    assert.deepEqual(parseFeed(onChannel, url).map(({ title }) => title), ["one"], uri);
  }
});

Deno.test("RDF and JSON Feed are read, too", () => {
  const rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>c</title></channel><item rdf:about="urn:1"><title>R</title>
    <link>https://example.com/r</link><dc:date>2026-01-02T03:04:05+01:00</dc:date></item></rdf:RDF>`;
  const json = JSON.stringify({
    version: "https://jsonfeed.org/version/1.1",
    title: "j",
    items: [{ id: "1", url: "/j", title: "J", date_published: "2026-01-02T03:04:05Z" }],
  });
  const read = (text: string) => parseFeed(text, url).map((entry) => Object.values(entry));
  assert.deepEqual(read(rdf), [["urn:1", "R", "https://example.com/r", "2026-01-02T02:04:05.000Z"]]);
  assert.deepEqual(read(json), [["1", "J", "https://example.com/j", "2026-01-02T03:04:05.000Z"]]);
});

Deno.test("what a feed declares is not expanded, and a long line of tags takes no time to speak of", () => {
  const bomb = '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' +
    rss("<item><title>&b;</title></item>");
  assert.equal(parseFeed(bomb, url)[0]?.title, "&b;");
  assert.throws(() => parseFeed("<rss ".repeat(400_000), url));
});

Deno.test("no link has the user of the feed's address", () => {
  const [entry] = parseFeed(rss("<item><link>/x</link></item>"), "https://ada:secret@example.com/feed");
  assert.equal(entry?.link, "https://example.com/x");
});

Deno.test("ids of JSON Feed that are written as large numbers stay those of different entries", () => {
  const items =
    '[{"id":12345678901234567890,"title":"a"},{"id":12345678901234567891,"title":"b"},{"id":7,"title":"c"}]';
  const text = `{"version":"https://jsonfeed.org/version/1.1","title":"j","items":${items}}`;
  const ids = parseFeed(text, url).map(({ id }) => id);
  assert.deepEqual(ids, ["12345678901234567890", "12345678901234567891", "7"]);
});

Deno.test("a title has nothing in it that steers a terminal", () => {
  const [entry] = parseFeed(rss("<item><title>a\x07\n b\x1b]0;c\x9d\0</title></item>"), url);
  assert.equal(entry?.title, "a b ]0;c");
});
