/** Which requests the listener answers. Danger: another site or server of this machine acts with a person's session. */
import assert from "node:assert/strict";
import { OwnNames } from "../../../src/control/own_names.ts";

const names = new OwnNames("0.0.0.0", ["box.lan"]);
const fault = (headers: Record<string, string>) => names.findFault(headers, false)?.code ?? null;

Deno.test("a page of another port of a name is another page, unless a proxy with TLS serves it", () => {
  const host = "box.lan:7077";
  assert.equal(fault({ host, origin: "http://box.lan:7077" }), null);
  assert.equal(fault({ host: "box.lan", origin: "https://box.lan" }), null);
  assert.equal(fault({ host: "127.0.0.1:7077", origin: "https://box.lan:8443" }), null);
  for (const origin of ["http://box.lan:8000", "http://box.lan", "https://evil.example", "null", "box.lan:8000"]) {
    assert.equal(fault({ host, origin }), "ORIGIN_REFUSED", origin);
  }
  assert.equal(fault({ host: "evil.example", origin: "http://evil.example" }), "HOST_REFUSED");
});
