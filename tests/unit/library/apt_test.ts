/** Output of apt-get, in the forms that Debian, Ubuntu and public reports show. */
import assert from "node:assert/strict";
import { parseSimulation } from "../../../senses/package-updates/apt.ts";

const text = `Reading package lists...
Building dependency tree...
The following packages have been kept back:
  cloud-init python3-update-manager
  update-manager-core
The following upgrades have been deferred due to phasing:
  fwupd
The following packages will be upgraded:
  bash liblzma5
2 upgraded, 1 newly installed, 0 to remove and 4 not upgraded.
Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
Inst linux-image-6.8.0-63 (6.8.0-63.66 Ubuntu:24.04/noble-updates [amd64])
Inst liblzma5:i386 [1:5.4.1-1] (1:5.4.1-1+deb12u2 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Conf bash (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
`;

Deno.test("parseSimulation() tells upgrades from what is new, kept back, or to come later", () => {
  assert.deepEqual(parseSimulation(text), {
    updates: [
      { name: "bash", from: "5.2.15-2+b8", to: "5.2.15-2+b13", security: false },
      { name: "liblzma5:i386", from: "1:5.4.1-1", to: "1:5.4.1-1+deb12u2", security: true },
    ],
    keptBack: ["cloud-init", "python3-update-manager", "update-manager-core"],
    phased: ["fwupd"],
  });
});

Deno.test("parseSimulation() finds nothing where there is nothing, and fails on half an answer", () => {
  const none = parseSimulation(
    "Calculating upgrade...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n",
  );
  assert.deepEqual(none, { updates: [], keptBack: [], phased: [] });
  assert.throws(() => parseSimulation("Reading package lists...\n"), /unexpected/);
});
