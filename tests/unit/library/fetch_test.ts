/** How the text of an answer is decoded, and why a fetch failed. */
import assert from "node:assert/strict";
import { decodeFetched, reasonOfFetch } from "../../../lib/fetch.ts";

const latin = new Uint8Array([0x3c, 0x70, 0x3e, 0xfc]);

function withHead(head: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...new TextEncoder().encode(head), ...latin]);
}

Deno.test("decodeFetched() believes a mark before the header, and the header before the text itself", () => {
  const marked = new Uint8Array([0xef, 0xbb, 0xbf, 0xc3, 0xbc]);
  assert.equal(decodeFetched({ bytes: marked, contentType: "text/html; charset=latin1" }), "\u00fc");
  assert.equal(decodeFetched({ bytes: latin, contentType: 'text/plain; charset="iso-8859-1"' }), "<p>\u00fc");
  const meta = withHead('<meta charset="utf-8">');
  assert.match(decodeFetched({ bytes: meta, contentType: "text/html;charset=windows-1252" }), /\u00fc$/);
});

Deno.test("decodeFetched() reads what XML and HTML declare, and takes the rest for UTF-8", () => {
  const xml = withHead('<?xml version="1.0" encoding="ISO-8859-1"?>');
  assert.match(decodeFetched({ bytes: xml, contentType: "application/xml" }), /\u00fc$/);
  const http = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">';
  assert.match(decodeFetched({ bytes: withHead(http), contentType: "text/html" }), /\u00fc$/);
  assert.match(decodeFetched({ bytes: withHead(http), contentType: "text/plain" }), /\uFFFD$/);
  assert.throws(
    () => decodeFetched({ bytes: latin, contentType: "text/html; charset=klingon" }),
    /klingon is not known/,
  );
});

Deno.test("decodeFetched() sees in the first tag whether a text is UTF-16, whatever it declares", () => {
  const text = '<?xml version="1.0" encoding="utf-16"?><a>\u00fc</a>', contentType = "text/xml; charset=utf-16";
  const little = new Uint8Array(Uint16Array.from(text, (unit) => unit.charCodeAt(0)).buffer);
  const big = little.map((_, at) => little[at ^ 1] ?? 0);
  for (const bytes of [new TextEncoder().encode(text), little, big]) {
    assert.equal(decodeFetched({ bytes, contentType }), text);
    assert.equal(decodeFetched({ bytes, contentType: "" }), text);
  }
});

Deno.test("reasonOfFetch() tells the cause, without the address", () => {
  const cause = new TypeError("error sending request for url (http://ada:secret@h/): client error: refused");
  assert.equal(reasonOfFetch(new TypeError("failed", { cause })), "client error: refused");
  assert.equal(reasonOfFetch(new DOMException("x", "TimeoutError")), "it took too long");
});
