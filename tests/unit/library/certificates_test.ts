/** Which of the certificates that a server shows count, and what a `ca_file` must contain. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { countDaysLeft, findNeeded, findSpanProblem, parseCertificates } from "../../../lib/certificates.ts";
import { CertificateFolder, hasOpenssl } from "../../support/openssl.ts";

Deno.test({
  name: "a successor that begins later is no problem beside the intermediate that it follows, and one without it",
  ignore: !hasOpenssl,
  fn: async () => {
    using folder = new CertificateFolder();
    await folder.add({ name: "root", by: null, days: 3_650, isAuthority: true });
    await folder.add({ name: "old", by: "root", days: 100, isAuthority: true });
    await folder.add({ name: "new", by: "root", days: 2_000, from: 7, isAuthority: true, keyOf: "old" });
    await folder.add({ name: "own", by: "old", days: 300 });
    const read = (name: string) => new X509Certificate(folder.read(name));
    for (const anchors of [["root"], []]) {
      for (const sent of [["old", "new"], ["new", "old"]]) {
        const span = findNeeded(read("own"), sent.map(read), anchors.map(read));
        assert.deepEqual([findSpanProblem(span, 21), countDaysLeft(span)], [null, 100], `${sent} ${anchors}`);
      }
      const alone = findNeeded(read("own"), [read("new")], anchors.map(read));
      assert.match(findSpanProblem(alone, 21) ?? "", /which vouches for it, is not valid before/);
    }
    assert.equal(parseCertificates(`# - root -\r\n${folder.read("root")}\n${folder.read("own")}`).length, 2);
  },
});

Deno.test("a ca_file without a certificate, or with one that cannot be read, is an error that says so", () => {
  assert.throws(() => parseCertificates("-----BEGIN PRIVATE KEY-----"), /ca_file holds no certificate in PEM form/);
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  assert.throws(() => parseCertificates(broken), /certificate 1 of ca_file cannot be read/);
});
