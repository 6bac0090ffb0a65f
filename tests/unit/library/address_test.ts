/** Addresses in configurations. */
import assert from "node:assert/strict";
import { parseAddress } from "../../../lib/address.ts";

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
});

Deno.test("a text that is not an address is rejected with the text and the right form", () => {
  for (const text of ["", "example.com", "a:0", "a:65536", "a:b", "http://a:1", "::1", "a b:1", ":80"]) {
    assert.throws(() => parseAddress(text), { name: "TypeError", message: /write host:port/ }, text);
  }
  assert.throws(() => parseAddress("::1", 443), /host or host:port/);
});
