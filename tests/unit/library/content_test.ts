/** Which parts of a page count for url-change. */
import assert from "node:assert/strict";
import { compare, findPieces, type Rules } from "../../../senses/url-change/content.ts";
import { Matcher } from "../../../lib/matcher.ts";

const all: Rules = { textOnly: false, only: [], ignore: [] };
const page = `<html><head><style>p { a: b }</style><script nonce="1x">if (a < b) run("</p>");</script></head>
<body><p class="x">Version   2.0</p><p>12 visitors</p><br/>end</body></html>`;

Deno.test("findPieces() takes lines of a text, tags and texts of HTML", () => {
  assert.deepEqual(findPieces("a  b\r\n\n c\rd", false, all), ["a b", "c", "d"]);
  assert.deepEqual(findPieces('<p a="1">x\n y</p>', true, all), ['<p a="1">', "x y", "</p>"]);
});

Deno.test("findPieces() finds what a reader sees", () => {
  assert.deepEqual(findPieces(page, true, { ...all, textOnly: true }), ["Version 2.0", "12 visitors", "end"]);
  assert.deepEqual(findPieces("a < b", false, { ...all, textOnly: true }), ["a < b"], "this is no HTML");
});

Deno.test("findPieces() keeps what fits, without what is to be ignored", () => {
  const only = [new Matcher("Version \\d"), new Matcher("visit")], ignore = [new Matcher("^\\d+ visitors$")];
  assert.deepEqual(findPieces(page, true, { textOnly: true, only, ignore }), ["Version 2.0"]);
});

Deno.test("findPieces() takes a page that is made to be slow in a moment", () => {
  const started = performance.now();
  findPieces("<".repeat(1_000_000), true, { ...all, textOnly: true });
  findPieces("<script>".repeat(100_000) + " ".repeat(1_000_000), true, { ...all, textOnly: true });
  assert.ok(performance.now() - started < 20_000);
});

Deno.test("compare() names what came and went, each as often as it did, and nothing that moved", () => {
  assert.deepEqual(compare(["a", "b", "b", "c"], ["c", "a", "b", "d", "d"]), { added: ["d", "d"], removed: ["b"] });
});
