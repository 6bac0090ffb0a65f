/** The XML parser of feed-watch: what it reads, and what it rejects unread. */
import assert from "node:assert/strict";
import { parseFeed } from "../../../senses/feed-watch/feed.ts";
import { parseXml, textOf } from "../../../senses/feed-watch/xml.ts";
import { assertCost } from "../../support/cost.ts";
import fc from "../../support/fast_check.ts";

const url = "https://example.com/blog/feed.xml";

const rss = (items: string, more = "") =>
  `<?xml version="1.0"?><rss version="2.0" ${more}><channel>${items}</channel></rss>`;

Deno.test("entity bombs, external entities and other declarations are rejected unread", () => {
  const lol = Array.from({ length: 9 }, (_, n) => `<!ENTITY lol${n + 1} "${`&lol${n};`.repeat(10)}">`).join("");
  for (
    const text of [
      `<!DOCTYPE rss [<!ENTITY lol0 "lol">${lol}]><rss><channel><item><title>&lol9;</title></item></channel></rss>`,
      `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>`,
      `<!DOCTYPE rss [ <!ELEMENT rss ANY> ]><rss/>`,
    ]
  ) assert.throws(() => parseFeed(text, url), /declares entities/);
  const harmless = `<!DOCTYPE rss PUBLIC "-//X" "http://127.0.0.1/x.dtd">${
    rss("<item><title>&nbsp;&unknown;&#0;</title></item>").slice(21)
  }`;
  assert.equal(parseFeed(harmless, url)[0]?.title, "&nbsp;&unknown;\uFFFD");
});

Deno.test("text that is not XML is rejected with its line, and the limits hold", () => {
  const cases: [string, RegExp][] = [
    ["", /no element/],
    ["hello", /text outside/],
    ["<a>\n<b></a>", /line 2 is not XML: <\/a> where <b> is open/],
    ["<a>", /<a> is not closed/],
    ["<a/><b/>", /second element/],
    ["<a/>x", /text outside/],
    ["<a b=c/>", /begins no element/],
    ["<a b='<'/>", /begins no element/],
    ["<!-- <a/>", /<!-- without -->/],
    ["<a><![CDATA[x</a>", /without \]\]>/],
    ["<a>".repeat(100), /deeper than 64/],
    [`<a>${"<b/>".repeat(60_000)}</a>`, /more than 50000 elements/],
    ["<html><body/></html>", /neither RSS 2.0 nor Atom, but <html>/],
  ];
  for (const [text, reason] of cases) assert.throws(() => parseFeed(text, url), reason, text.slice(0, 40));
});

Deno.test("four mebibytes of anything cost at most a few times as much as an ordinary feed of that size", () => {
  const size = 4 * 1024 * 1024;
  const hostile = [
    "<a ",
    "<a b='1' ",
    "<!--",
    "<![CDATA[",
    "</a>",
    "&amp;",
    "<a xmlns:b='c'>",
    "&#",
    "<a>x</a>",
    " ",
    "<",
    '<a b="\n',
  ];
  const parse = (text: string) => () => {
    try {
      parseFeed(text, url);
    } catch (thrown) {
      assert.ok(thrown instanceof Error);
    }
  };
  const item = `<item><title>${"word ".repeat(16)}</title></item>`;
  const honest = parse(rss(item.repeat(size / item.length)));
  for (const piece of hostile) {
    for (const prefix of ["<r>", ""]) {
      // Up to 7 times; a parser that reads the text again and again takes thousands of times as long.
      assertCost(parse(prefix + piece.repeat(size / piece.length)), 50, honest, JSON.stringify(prefix + piece));
    }
  }
});

Deno.test("XML that was written from a tree is read back as that tree, and garbage gives nothing but an XML error", () => {
  const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  fc.assert(fc.property(fc.array(fc.string()), (texts) => {
    const root = parseXml(`<r>${texts.map((text) => `<t>${escape(text)}</t>`).join("")}</r>`);
    assert.deepEqual(root.content.map((part) => typeof part === "string" ? part : textOf(part)), texts);
  }));
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("<", ">", "</", "/>", "<a", "</a>", "=", '"', "<!", "<?", "]]>", "<![CDATA[", "&", ";"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      try {
        parseXml(pieces.join(""));
      } catch (thrown) {
        assert.match((thrown as Error).message, /^line \d+ is not XML: |neither|without/);
      }
    }),
    { numRuns: 2_000 },
  );
});
