/** Which certificates of a server count: tls-expiry and http-check against servers of openssl, in their sandbox. */
import assert from "node:assert/strict";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { CertificateFolder, hasOpenssl } from "../../support/openssl.ts";

const far = 3_650;

long.test({
  name: "the earliest end of the certificates that are needed counts, and no other certificate that the server sends",
  ignore: !hasOpenssl,
  fn: async () => {
    using certificates = new CertificateFolder();
    await certificates.add({ name: "root", by: null, days: far, isAuthority: true });
    await certificates.add({ name: "old-root", by: null, days: -1, isAuthority: true });
    await certificates.add({ name: "middle", by: "root", days: 5, isAuthority: true });
    await certificates.add({ name: "good", by: "root", days: 100, isAuthority: true });
    // The same key and name, signed by a root that has ended, as a cross-signature.
    await certificates.add({ name: "crossed", by: "old-root", days: -1, isAuthority: true, keyOf: "good" });
    await certificates.add({ name: "by-middle", by: "middle", days: 300 });
    await certificates.add({ name: "by-good", by: "good", days: 300 });
    await certificates.add({ name: "ended", by: "good", days: -3 });
    await certificates.add({ name: "later", by: "good", days: 300, from: 2 });
    const cases: [own: string, sent: string[], problem: RegExp | null, daysLeft: number, first: string][] = [
      ["by-middle", ["middle"], /^the certificate of middle, which vouches for it, expires in 5 days$/, 5, "middle"],
      ["by-middle", ["old-root", "root", "middle"], /of middle, .* in 5 days$/, 5, "middle"],
      ["by-middle", [], null, 300, "by-middle"],
      ["by-good", ["good", "old-root", "middle"], null, 100, "good"],
      ["by-good", ["crossed", "good", "old-root"], null, 100, "good"],
      ["by-good", ["crossed", "old-root"], /^the certificate of .*, which vouches for it, has expired$/, -1, ""],
      ["ended", ["good"], /^its certificate has expired$/, -3, "ended"],
      ["later", ["good"], /^its certificate is not valid before 20/, 100, "good"],
    ];
    for (const [own, sent, problem, daysLeft, first] of cases) {
      const label = `${own} with ${sent}`;
      await using server = await certificates.serve(own, sent);
      const address = `127.0.0.1:${server.port}`;
      await using sense = new QuietSense("tls-expiry", { net: [address] });
      const [found] = valueOf(await sense.compute({ servers: address, always: true })).servers;
      assert.equal(found.daysLeft, daysLeft, label);
      if (problem === null) assert.equal(found.problem, null, label);
      else assert.match(found.problem, problem, label);
      if (first !== "") assert.equal(found.endsFirst, first, label);
    }
  },
});

long.test({
  name: "http-check accepts a server's own certificate that ca_file names, for its host and while it is valid",
  ignore: !hasOpenssl,
  fn: async () => {
    using certificates = new CertificateFolder();
    await certificates.add({ name: "self", by: null, days: 300, isAuthority: true });
    Deno.writeTextFileSync(`${certificates.path}/plain.ext`, "");
    const make = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "30"];
    const names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "own.key", "-out", "own.pem"];
    await new Deno.Command("openssl", { args: [...make, ...names], cwd: certificates.path, stderr: "null" }).output();
    await using server = await certificates.serve("own", [], "-www");
    const grants = {
      net: [`localhost:${server.port}`, `127.0.0.1:${server.port}`],
      read: [`${certificates.path}/own.pem`, `${certificates.path}/self.pem`],
    };
    await using sense = new QuietSense("http-check", grants);
    const check = async (host: string, ca: string, more = {}) => {
      const url = `https://ada:secret@${host}:${server.port}/x`, ca_file = `${certificates.path}/${ca}.pem`;
      return valueOf(await sense.compute({ url, ca_file, always: true, ...more }));
    };
    const found = await check("localhost", "own");
    assert.deepEqual([found.ok, found.status, found.problems], [true, 200, []], JSON.stringify(found));
    assert.equal(found.url, `https://localhost:${server.port}/x`);
    assert.match((await check("127.0.0.1", "own")).problems[0], /^no answer: /, "it is not for this host");
    assert.match((await check("localhost", "self")).problems[0], /^no answer: /, "another certificate");
    assert.deepEqual((await check("localhost", "own", { expect_status: 404 })).problems, ["status 200 instead of 404"]);
  },
});

long.test({
  name: "certificates are read from servers of both versions, other groups and other ciphers",
  ignore: !hasOpenssl,
  fn: async () => {
    using certificates = new CertificateFolder();
    await certificates.add({ name: "own", by: null, days: 40 });
    const kinds = [
      ["-tls1_2"],
      ["-tls1_3", "-groups", "P-256"],
      ["-tls1_3", "-groups", "P-384"],
      ["-tls1_3", "-groups", "X25519", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
    ];
    for (const kind of kinds) {
      await using server = await certificates.serve("own", [], ...kind);
      const address = `127.0.0.1:${server.port}`;
      await using sense = new QuietSense("tls-expiry", { net: [address] });
      assert.deepEqual(await sense.compute({ servers: address }), { kind: "null" }, kind.join(" "));
    }
  },
});
