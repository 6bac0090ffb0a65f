import assert from "node:assert/strict";
import type { PermissionRow } from "../../../src/config/permissions/grants.ts";
import {
  type Asked,
  derivePermissions,
  formatPermissionsYaml,
  readAudit,
} from "../../../src/config/permissions/learned.ts";

const row = (permission: PermissionRow["permission"], value: string | true): PermissionRow => {
  return { permission, value, why: "", declaredBy: "a" };
};
const requests = (permission: Asked["permission"], ...values: string[]): Asked[] =>
  values.map((value) => ({ permission, value }));

Deno.test("the audit is read from the sandbox's first module onwards, addresses as hosts, modules as paths", () => {
  const lines = [
    { permission: "net", value: "unix:/x" },
    { permission: "read", value: null },
    { permission: "read", value: "file:///nerve/src/sandbox/worker_main.ts" },
    { permission: "read", value: "/etc/x" },
    { permission: "net", value: "http://example.com/a" },
    { permission: "net", value: "example.com:80" },
    { permission: "import", value: "https://esm.sh/x" },
    { permission: "env", value: null },
    { permission: "unheard-of", value: "x" },
  ];
  assert.deepEqual(readAudit(lines.map((line) => JSON.stringify(line)).join("\n") + "\n"), [
    { permission: "read", value: "/nerve/src/sandbox/worker_main.ts" },
    { permission: "read", value: "/etc/x" },
    { permission: "net", value: "example.com:80" },
    { permission: "net", value: "example.com:80" },
    { permission: "import", value: "esm.sh:443" },
    { permission: "env", value: null },
  ]);
});

Deno.test("an implied permission is not needed; a denied one is missing; one that was never used is unused", () => {
  const implied = [row("read", "/w/senses/a")],
    declared = [row("read", "/etc"), row("read", "/usr"), row("net", "h"), row("env", "X")];
  const learned = derivePermissions(
    [...requests("read", "/w/senses/a/index.ts", "/etc/passwd", "/var/x"), ...requests("net", "h:443", "other:443")],
    implied,
    declared,
  );
  assert.deepEqual(learned, {
    needed: { read: ["/etc/passwd", "/var/x"], net: ["h:443", "other:443"] },
    missing: { read: ["/var/x"], net: ["other:443"] },
    unused: { read: ["/usr"], env: ["X"] },
  });
});

Deno.test("many files of one folder become the folder, and access to everything becomes true", () => {
  const files = Array.from({ length: 9 }, (_, n) => `/var/log/${n}`);
  assert.deepEqual(derivePermissions(requests("read", ...files, "/var/log/deep/x"), [], []).needed, {
    read: ["/var/log"],
  });
  assert.deepEqual(derivePermissions([{ permission: "env", value: null }, ...requests("env", "X")], [], []).needed, {
    env: true,
  });
  assert.equal(formatPermissionsYaml({ read: ["/a"] }), "permissions:\n  read:\n    - /a");
  assert.equal(formatPermissionsYaml({}), "permissions: {}");
});

Deno.test("unconfined stays as it is declared: no audit tells whether a program needs it", () => {
  // The bug was: the printed block lacked it, so that pasting the block removed it.
  const declared = [row("run", "ping"), row("unconfined", true)], used = requests("run", "ping");
  assert.deepEqual(derivePermissions(used, [], declared), {
    needed: { run: ["ping"], unconfined: true },
    missing: {},
    unused: {},
  });
  assert.equal(
    formatPermissionsYaml({ run: ["ping"], unconfined: true }),
    "permissions:\n  run:\n    - ping\n  unconfined: true",
  );
});
