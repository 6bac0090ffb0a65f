/** The date of a server's certificate, read over a connection of its own. */
import assert from "node:assert/strict";
import { readCertificateEnd } from "../../../lib/tls/certificate.ts";
import { selfSigned } from "../../support/certificate.ts";
import { serve } from "../../support/test_server.ts";

Deno.test("the expiry of a certificate is read in both notations of the year", async () => {
  for (
    const end of [new Date("2049-12-31T23:59:59Z"), new Date("2050-01-01T00:00:00Z"), new Date("2120-02-28T01:02:03Z")]
  ) {
    const certificate = await selfSigned({ notBefore: new Date("2020-01-01T00:00:00Z"), notAfter: end });
    await using server = serve(() => new Response(""), certificate);
    assert.deepEqual(await readCertificateEnd("127.0.0.1", server.port, new AbortController().signal), end);
  }
});

Deno.test("a server without TLS, one that closes and one that stays silent give different errors", async () => {
  const answers: [Uint8Array | null, RegExp][] = [
    [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"), /does not speak TLS/],
    [new Uint8Array(), /closed the connection/],
    [Uint8Array.of(21, 3, 3, 0, 2, 2, 40), /alert 40/],
    [Uint8Array.of(22, 3, 3, 0, 4, 11, 0, 0, 0), /cut short/],
    [null, /given up/],
  ];
  for (const [answer, expected] of answers) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const stop = new AbortController();
    const served = (async () => {
      using connection = await listener.accept();
      await connection.read(new Uint8Array(2_000));
      if (answer === null) stop.abort(new Error("given up"));
      else if (answer.length > 0) await connection.write(answer);
    })();
    await assert.rejects(readCertificateEnd("127.0.0.1", listener.addr.port, stop.signal), expected);
    await served;
    listener.close();
  }
});
