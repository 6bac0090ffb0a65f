/** The rules of Landlock as a pure function of a unit's spec. Danger: a rule too many is a hole in the sandbox. */
import assert from "node:assert/strict";
import type { PathRight } from "../../../src/base/landlock.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { withEmptyDatabases } from "../../../src/deploy/trial_load.ts";
import { planUnits } from "../../../src/deploy/unit_plans.ts";
import { buildUnitRules, type LandlockPlaces } from "../../../src/process/landlock_rules.ts";
import type { ProcessSpec } from "../../../src/protocol/message.ts";
import type { UnitKey } from "../../../src/protocol/unit.ts";
import fc from "../../support/fast_check.ts";

const paths = workspacePaths("/w", { uid: 1000, runtimeDir: "/run/user/1000", tempDir: "/tmp" });
const nowhere: LandlockPlaces = {
  executable: "/opt/deno",
  own: ["/nerve/deno.json"],
  cache: "/cache",
  temp: "/w/data/tmp/g1",
  lock: null,
  written: [],
  programs: [],
  path: [],
  home: "/home/me",
  manifests: ["/w/package.json"],
};

function specOf(text: string, key: UnitKey = "group:a"): ProcessSpec {
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  const plan = planUnits(parsed.value.config, paths).find((each) => each.key === key);
  assert.ok(plan !== undefined);
  return plan.spec;
}

function wallOf(permissions: unknown, places: Partial<LandlockPlaces> = {}) {
  const text = JSON.stringify({ senses: { a: { peers: [], permissions }, b: {} } });
  return buildUnitRules(specOf(text), { ...nowhere, ...places });
}

function pathsWith(right: PathRight, { paths }: ReturnType<typeof buildUnitRules>): string[] {
  return paths.filter(([, each]) => each === right).map(([path]) => path);
}

/** Paths besides its database, including the compiled forms of its own code and of lib/. */
const always = [
  ...["/dev/null", "/w/data/blobs", "/w/data/tmp/g1"],
  ...["/cache/gen/file/w/senses/a", "/cache/gen/file/w/lib"],
];
const own = ["/w/data/senses/a.db", "/w/data/senses/a.db-wal", "/w/data/senses/a.db-shm"];

Deno.test("a unit without grants writes its own database, the blobs and its temporary folder, and executes nothing", () => {
  const wall = wallOf({});
  assert.deepEqual(pathsWith("write", wall).sort(), [...always, ...own].sort());
  assert.deepEqual(pathsWith("execute", wall), []);
  assert.deepEqual([wall.connect, wall.bind], [[], []]);
  const read = pathsWith("read", wall);
  for (const path of [...own, "/w/senses/a", "/w/lib", "/w/data/logs.db", "/cache/gen", "/usr", "/etc/resolv.conf"]) {
    assert.ok(read.includes(path), path);
  }
  for (const path of ["/", "/etc", "/proc", "/tmp", "/dev", "/w", "/w/data", "/w/data/senses", "/cache", "/home/me"]) {
    assert.ok(!read.includes(path), path);
  }
  assert.ok(!read.some((path) => path.includes("/b.db") || path.startsWith("/w/senses/b")), "nothing of another unit");
});

Deno.test("what is granted of the network below /proc opens the folder, because a rule of its files holds nothing open", () => {
  for (
    const permissions of [{ sys: ["networkInterfaces"] }, { read: ["/proc/net/snmp"] }, { read: ["/proc/self/net"] }]
  ) {
    const read = pathsWith("read", wallOf(permissions)).filter((path) =>
      path.startsWith("/proc/") && path.includes("net")
    );
    assert.deepEqual(read, ["/proc/self/net"]);
  }
  assert.ok(!pathsWith("read", wallOf({})).some((path) => path.startsWith("/proc/") && path.includes("net")));
});

Deno.test("no rule writes a folder that holds a database, whatever is granted to whom", () => {
  const word = fc.constantFrom("read", "write", "run", "net", "env", "sys", "import");
  fc.assert(fc.property(fc.uniqueArray(word), fc.boolean(), (names, all) => {
    const values = {
      read: ["/r"],
      write: ["/x"],
      run: ["sh"],
      net: ["h:1"],
      env: ["A"],
      sys: ["uid"],
      import: ["h:1"],
    };
    const permissions = Object.fromEntries(names.map((name) => [name, values[name]]));
    const text = JSON.stringify({ senses: { a: { permissions, peers: all ? "all" : [] } } });
    const written = pathsWith("write", buildUnitRules(specOf(text), nowhere));
    assert.deepEqual(
      written.filter((path) =>
        `${paths.senseDatabases}/b.db`.startsWith(`${path}/`) || "/w/nerve.yaml".startsWith(`${path}/`)
      ),
      [],
    );
  }));
});

Deno.test("a read-only reader of peers gets their folder to read, and its own files to write", () => {
  const wall = buildUnitRules(specOf("senses: { a: {}, b: {} }\n"), nowhere);
  assert.ok(pathsWith("read", wall).includes("/w/data/senses"));
  assert.deepEqual(pathsWith("write", wall).filter((path) => path.startsWith("/w/data/senses")), own);
  const named = buildUnitRules(specOf("senses: { a: { peers: [b] }, b: {}, c: {} }\n"), nowhere);
  const databases = pathsWith("read", named).filter((path) => path.startsWith("/w/data/senses"));
  assert.ok(databases.includes("/w/data/senses/b.db-shm") && !databases.some((path) => path.includes("/c.db")));
});

Deno.test("code that is tried reads the real database and writes none", () => {
  const wall = buildUnitRules(withEmptyDatabases(specOf("senses: { a: {} }\n")), nowhere);
  assert.deepEqual(pathsWith("write", wall).sort(), [...always].sort());
});

Deno.test("granted paths are open for what they are granted", () => {
  const wall = wallOf({ read: ["/srv/r", "./x"], write: ["/srv/w"], ffi: ["/srv/lib.so"] });
  const read = pathsWith("read", wall), write = pathsWith("write", wall);
  assert.ok(["/srv/r", "/w/x", "/srv/lib.so"].every((path) => read.includes(path)));
  assert.ok(write.includes("/srv/w") && !write.includes("/srv/r") && !read.includes("/srv/w"));
  assert.ok(pathsWith("read", wallOf({ read: true })).includes("/"));
});

Deno.test("TCP ports are held as soon as every granted host names its port", () => {
  const port = (net: unknown, more: Record<string, unknown> = {}) => wallOf({ net, ...more }).connect;
  assert.deepEqual(port(["a.example:443", "[::1]:8080", "10.0.0.0/8:5432"]), [53, 443, 5432, 8080]);
  assert.deepEqual(port(["unix:/run/x.sock"]), []);
  assert.equal(port(["a.example:443", "b.example"]), null, "a host without its port means every port");
  assert.equal(port(true), null);
  assert.deepEqual(port(undefined, { import: ["jsr.io"] }), [53, 443]);
  assert.deepEqual(port(undefined, { import: ["npm:ms"] }), [53, 443]);
  assert.equal(port(["a.example:1"], { import: true }), null);
});

Deno.test("with a program granted, the system's programs may be executed, and those outside of it by name or path", () => {
  const places = {
    programs: ["/usr/bin/df", "/home/me/.local/bin/tool", "/srv/node/bin/node", "/w/shims/x"],
    path: ["/usr/bin", "/srv/any/bin"],
  };
  const executed = pathsWith("execute", wallOf({ run: ["df", "tool", "node", "x", "./tools/own.sh"] }, places));
  assert.ok(executed.includes("/usr"));
  assert.deepEqual(executed.filter((path) => /^\/(home|srv|w)\//.test(path)).sort(), [
    "/home/me/.local/bin",
    "/home/me/.local/lib",
    "/home/me/.local/lib64",
    "/home/me/.local/libexec",
    ...["bin", "lib", "lib64", "libexec", "share"].map((name) => `/srv/node/${name}`),
    "/w/shims",
    "/w/tools/own.sh",
  ]);
  assert.ok(pathsWith("execute", wallOf({ run: true }, places)).includes("/srv/any/bin"));
  assert.ok(
    !pathsWith("read", wallOf({ run: true })).some((path) => /^\/proc(\/self(\/environ)?)?$/.test(path)),
    "the environments of processes are there",
  );
});

Deno.test("Deno's cache is open to write only for the unit's own code, and for what packages and hosts bring", () => {
  const written = (permissions: unknown) =>
    pathsWith("write", wallOf(permissions, { lock: "/l" })).filter((path) => path.startsWith("/cache"));
  const translated = ["/cache/gen/file/w/senses/a", "/cache/gen/file/w/lib"];
  assert.deepEqual(written({}), translated);
  assert.deepEqual(written({ import: ["npm:ms"] }), ["/cache/deps", "/cache/npm", "/cache/remote", ...translated]);
  assert.ok(!pathsWith("read", wallOf({})).some((path) => path.startsWith("/cache/location_data")));
});

Deno.test("a workflow writes no database at all", () => {
  const wall = buildUnitRules(specOf("senses: { a: {} }\nworkflows: { w: {} }\n", "workflow:w"), nowhere);
  assert.deepEqual(pathsWith("write", wall).filter((path) => path.includes(".db")), []);
  assert.ok(!pathsWith("read", wall).some((path) => path.startsWith("/w/data/senses")));
});
