/** Grants as a pure function of the configuration. Danger: a grant too many is a hole in the sandbox. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import {
  buildSandboxEnvironment,
  buildSandboxPermissions,
  explainPermissions,
  type GrantedUnit,
} from "../../../src/config/permissions/grants.ts";
import { type NerveConfig, permissionNames, type PermissionRequest } from "../../../src/config/types.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import type { SandboxPermissions } from "../../../src/protocol/confinement.ts";
import fc from "../../support/fast_check.ts";

const paths = workspacePaths("/w", { uid: 1000, runtimeDir: "/run/user/1000", tempDir: "/tmp" });
const context = { nerveModules: ["/nerve/src"], home: "/home/me" };

function configOf(text: string): NerveConfig {
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok);
  return parsed.value.config;
}

function grantsOf(text: string, unit: GrantedUnit): SandboxPermissions {
  return buildSandboxPermissions(configOf(text), paths, unit, context);
}

const database = (path: string) => ["", "-wal", "-shm", "-journal"].map((suffix) => path + suffix);
const group = (name: string): GrantedUnit => ({ kind: "group", name });

Deno.test("a sense that declares nothing may use its own folder and database, its peers' databases and the log only", () => {
  assert.deepEqual(grantsOf("senses: { a: {}, b: {} }\n", group("a")), {
    read: [
      "/w/senses/a",
      "/w/data/senses",
      ...database("/w/data/logs.db"),
      "/w/lib",
      "/nerve/src",
      "/w/data/blobs",
    ],
    write: ["/w/data/senses/a.db", "/w/data/blobs"],
    net: false,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  });
});

Deno.test("a workflow may use its own folder, the blobs and the log, but no sense's database", () => {
  assert.deepEqual(grantsOf("senses: { a: {} }\nworkflows: { w: {} }\n", { kind: "workflow", name: "w" }), {
    read: ["/w/workflows/w", ...database("/w/data/logs.db"), "/w/lib", "/nerve/src", "/w/data/blobs"],
    write: ["/w/data/blobs"],
    net: false,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  });
});

Deno.test("a list of peers restricts what may be read, for all senses of a group together", () => {
  const text = "senses: { a: { group: g, peers: [c] }, b: { group: g, peers: [] }, c: {}, d: {} }\n";
  const { read, write } = grantsOf(text, group("g"));
  assert.ok(Array.isArray(read) && Array.isArray(write));
  assert.ok(read.includes("/w/data/senses/c.db") && !write.includes("/w/data/senses/c.db"));
  assert.ok(!read.includes("/w/data/senses/d.db"));
  assert.ok(write.includes("/w/data/senses/a.db") && write.includes("/w/data/senses/b.db"));
});

Deno.test("a workflow reads the databases of the peers that it lists, and of none by default", () => {
  const read = (peers: string) => {
    const config = configOf(`senses: { a: {}, b: {}, w: {} }\nworkflows: { w: { ${peers} } }\n`);
    const { read } = buildSandboxPermissions(config, paths, { kind: "workflow", name: "w" }, context);
    return (read as string[]).filter((path) => /data\/senses(\/\w+\.db)?$/.test(path));
  };
  assert.deepEqual(read(""), []);
  assert.deepEqual(read("peers: [w, a]"), ["/w/data/senses/a.db", "/w/data/senses/w.db"]);
  assert.deepEqual(read("peers: all"), ["/w/data/senses"]);
});

Deno.test("the declarations of a group are merged, true replaces every list, and paths become absolute", () => {
  const grants = grantsOf(
    "senses:\n" +
      "  a: { group: g, permissions: { read: [files, ~/x, '~', /proc/../etc/], net: [a.example], run: [df, bin/tool] } }\n" +
      "  b: { group: g, permissions: { net: true, env: [TOKEN], sys: [cpus] } }\n" +
      "  c: { permissions: { ffi: [/x.so] } }\n",
    group("g"),
  );
  assert.ok(Array.isArray(grants.read));
  assert.deepEqual(grants.read.slice(0, 4), ["/w/files", "/home/me/x", "/home/me", "/etc"]);
  assert.equal(grants.net, true);
  assert.deepEqual([grants.run, grants.env, grants.sys, grants.ffi], [
    ["df", "/w/bin/tool"],
    ["TOKEN"],
    ["cpus"],
    false,
  ]);
});

Deno.test("every grant has its reason: who declared it, or why it is implied", () => {
  const config = configOf("senses: { a: { group: g, permissions: { sys: [cpus] } }, b: { group: g } }\n");
  const rows = explainPermissions(config, paths, group("g"), context);
  assert.deepEqual(rows[0], { permission: "sys", value: "cpus", why: "declared by sense a", declaredBy: "a" });
  assert.ok(rows.slice(1).every((row) => row.declaredBy === null && row.why.startsWith("implied: ")));
  assert.ok(rows.some((row) => row.value === "/w/senses/b" && row.why === "implied: folder of sense b"));
});

const request: fc.Arbitrary<PermissionRequest> = fc.dictionary(
  fc.constantFrom(...permissionNames),
  fc.oneof(
    fc.constant(true as const),
    fc.uniqueArray(fc.constantFrom("/x", "y", "~/z", "a.example", "B"), { minLength: 1 }),
  ),
);

function withRequests(a: PermissionRequest, b: PermissionRequest): NerveConfig {
  const config = configOf("senses: { a: { group: g }, b: { group: g }, c: {} }\n");
  const senses = new Map(config.senses);
  for (const [name, permissions] of [["a", a], ["b", b]] as const) {
    const sense = senses.get(name);
    assert.ok(sense !== undefined);
    senses.set(name, { ...sense, permissions });
  }
  return { ...config, senses };
}

/** True when `more` allows everything that `less` allows. */
function within(less: SandboxPermissions, more: SandboxPermissions): boolean {
  return permissionNames.every((name) => {
    const [small, large] = [less[name], more[name]];
    if (large === true || small === false) return true;
    return Array.isArray(small) && Array.isArray(large) && small.every((value) => large.includes(value));
  });
}

Deno.test("declaring more never grants less, and declaring nothing grants only what is implied", () => {
  const none = buildSandboxPermissions(withRequests({}, {}), paths, group("g"), context);
  fc.assert(fc.property(request, request, (a, b) => {
    const one = buildSandboxPermissions(withRequests(a, {}), paths, group("g"), context);
    const both = buildSandboxPermissions(withRequests(a, b), paths, group("g"), context);
    assert.ok(within(none, one) && within(one, both));
    for (const name of permissionNames) {
      if (a[name] === undefined && b[name] === undefined) assert.deepEqual(both[name], none[name]);
      const granted = both[name];
      assert.ok(typeof granted === "boolean" || granted.length > 0);
    }
    // The declarations of its neighbours do not matter to another group.
    const other = buildSandboxPermissions(withRequests(a, b), paths, group("c"), context);
    assert.deepEqual(other, buildSandboxPermissions(withRequests({}, {}), paths, group("c"), context));
  }));
});

Deno.test("only granted variables reach the process, and never one that steers it", () => {
  const all = { TOKEN: "t", A_1: "1", A_2: "2", B: "b", LD_PRELOAD: "x", DENO_V8_FLAGS: "y", NODE_OPTIONS: "z" };
  const denied: SandboxPermissions = {
    read: false,
    write: false,
    net: false,
    env: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
  };
  const reaching = (env: SandboxPermissions["env"]) => Object.keys(buildSandboxEnvironment({ ...denied, env }, all));
  assert.deepEqual(reaching(false), []);
  assert.deepEqual(reaching(["TOKEN", "A_*", "MISSING"]), ["TOKEN", "A_1", "A_2"]);
  assert.deepEqual(reaching(["D*", "LD_PRELOAD", "N*", "L*"]), []);
  assert.deepEqual(reaching(true), ["TOKEN", "A_1", "A_2", "B"]);
});

Deno.test("unconfined is a row of the explanation, with its reason, and no permission of Deno", () => {
  const text = "senses: { a: { group: g, permissions: { run: [df], unconfined: true } }, b: { group: g } }\n";
  const rows = explainPermissions(configOf(text), paths, group("g"), context);
  assert.deepEqual(rows.filter(({ permission }) => permission === "unconfined"), [
    { permission: "unconfined", value: true, why: "declared by sense a", declaredBy: "a" },
  ]);
  assert.deepEqual(grantsOf(text, group("g")).run, ["df"]);
  assert.ok(!("unconfined" in grantsOf(text, group("g"))));
});
