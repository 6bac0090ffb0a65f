import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { respondLinkFault } from "../../../src/control/web/session_cookie.ts";

Deno.test("the page of a link that opens nothing shows a path as text", async () => {
  const error = new NerveError("STORE_FAILED", "/srv/<img src=x onerror=alert(1)>&/logs.db is full");
  const page = await respondLinkFault(error, 500, "text/html").text();
  assert.ok(page.includes("/srv/&lt;img src=x onerror=alert(1)&gt;&amp;/logs.db is full."), page);
});
