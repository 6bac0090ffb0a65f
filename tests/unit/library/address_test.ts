/** Addresses in configurations. */
import assert from "node:assert/strict";
import { parseAddress, toAsciiName } from "../../../lib/address.ts";

Deno.test("an address is a host and a port, or a host alone when there is a default", () => {
  const of = (text: string, port: number | null = null) => {
    const { host, port: found } = parseAddress(text, port);
    return [host, found];
  };
  assert.deepEqual(of("example.com:443"), ["example.com", 443]);
  assert.deepEqual(of("example.com", 443), ["example.com", 443]);
  assert.deepEqual(of("[2001:db8::1]:8080"), ["2001:db8::1", 8080]);
  assert.deepEqual(of("[::1]", 22), ["::1", 22]);
  assert.equal(parseAddress("example.com:443").text, "example.com:443");
  assert.deepEqual(of("b\u00fccher.example:443"), ["xn--bcher-kva.example", 443]);
});

Deno.test("a text that is not an address is rejected with the text and the right form", () => {
  for (
    const text of [
      "",
      "example.com",
      "a:0",
      "a:65536",
      "a:b",
      "http://a:1",
      "::1",
      "a b:1",
      ":80",
      "b\u00fc cher:1",
      "b\u00fc/x:1",
    ]
  ) {
    assert.throws(() => parseAddress(text), { name: "TypeError", message: /write host:port/ }, text);
  }
  assert.throws(() => parseAddress("::1", 443), /host or host:port/);
});

Deno.test("a name of other letters becomes ASCII as in a URL, and everything else stays as it is", () => {
  for (const name of ["b\u00fccher.example", "\u4f8b\u5b50.\u6d4b\u8bd5"]) {
    assert.equal(toAsciiName(name), new URL(`http://${name}/`).hostname);
  }
  for (const name of ["a_b.example", "UPPER.example", "::1", "fe80::1%eth0", "-f", ""]) {
    assert.equal(toAsciiName(name), name);
  }
});
