/**
 * The effect of grants on a real worker of Deno: the function is pure, but its result is only right if Deno reads it as
 * intended (files of a database one by one, an absent file, an empty list).
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { buildSandboxPermissions, type GrantedUnit } from "../../../src/config/permissions/grants.ts";
import { type WorkspacePaths, workspacePaths } from "../../../src/config/workspace.ts";
import type { SandboxPermissions } from "../../../src/protocol/confinement.ts";

/** Runs `body` in a worker with those permissions; the worker answers by `report(value)`. */
async function inSandbox(permissions: SandboxPermissions, body: string): Promise<unknown> {
  // An import of node:sqlite would get the stand-in of deno.json.
  const code = `const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    const attempt = async (f) => { try { return await f() } catch (e) { return e.name + " " + e.message } };
    const report = (v) => postMessage(v); ${body}`;
  const options = { type: "module" as const, deno: { permissions } };
  // lib.dom's WorkerOptions have no `deno`; SandboxPermissions is readonly where Deno's type is not.
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, options as WorkerOptions);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  } finally {
    worker.terminate();
  }
}

async function inWorkspace(
  yaml: string,
  test: (paths: WorkspacePaths, grants: (unit: GrantedUnit) => SandboxPermissions) => Promise<void>,
): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-" }));
  try {
    const paths = workspacePaths(root);
    await Deno.mkdir(paths.senseDatabases, { recursive: true });
    await Deno.mkdir(paths.senseFolder("a"), { recursive: true });
    const parsed = parseNerveConfig(yaml);
    assert.ok(parsed.ok);
    await test(
      paths,
      (unit) => buildSandboxPermissions(parsed.value.config, paths, unit, { nerveModules: [], home: null }),
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const group: GrantedUnit = { kind: "group", name: "a" };

Deno.test("a group creates and writes its own database in WAL mode, and reads a peer's and the log while they are written", () =>
  inWorkspace("senses: { a: { peers: [b] }, b: {}, c: {} }\n", async (paths, grants) => {
    const open = [paths.senseDatabase("b"), paths.senseDatabase("c"), paths.logDatabase].map((path) => {
      const database = new DatabaseSync(path);
      database.exec("pragma journal_mode=wal; create table t(x); insert into t values (7)");
      return database;
    });
    try {
      const reported = await inSandbox(
        grants(group),
        `
        const own = await attempt(() => { const d = new DatabaseSync(${JSON.stringify(paths.senseDatabase("a"))});
          d.exec("pragma journal_mode=wal; create table t(x); insert into t values (1)"); return d.prepare("select x from t").get().x });
        const read = (path) => attempt(() => new DatabaseSync(path, { readOnly: true }).prepare("select x from t").get().x);
        const write = (path) => attempt(() => { new DatabaseSync(path).exec("insert into t values (8)"); return "written" });
        report([own, await read(${JSON.stringify(paths.senseDatabase("b"))}), await read(${
          JSON.stringify(paths.logDatabase)
        }),
          await read(${JSON.stringify(paths.senseDatabase("c"))}), await write(${
          JSON.stringify(paths.senseDatabase("b"))
        }),
          await write(${JSON.stringify(paths.logDatabase)})]);`,
      );
      assert.ok(Array.isArray(reported));
      assert.deepEqual(reported.slice(0, 3), [1, 7, 7]);
      for (const refused of reported.slice(3)) assert.match(refused, /^NotCapable/);
    } finally {
      for (const database of open) database.close();
    }
  }));

Deno.test("a group that declares nothing cannot read, write, connect, run, or see the environment", () =>
  inWorkspace("senses: { a: {} }\n", async (paths, grants) => {
    await Deno.writeTextFile(join(paths.senseFolder("a"), "own.txt"), "own");
    await Deno.writeTextFile(paths.configFile, "secret");
    const reported = await inSandbox(
      grants(group),
      `
      report([await attempt(() => Deno.readTextFile(${JSON.stringify(join(paths.senseFolder("a"), "own.txt"))})),
        await attempt(() => Deno.readTextFile(${JSON.stringify(paths.configFile)})),
        await attempt(() => Deno.writeTextFile(${JSON.stringify(join(paths.senseFolder("a"), "index.ts"))}, "")),
        await attempt(() => Deno.readTextFile("/etc/hostname")),
        await attempt(() => Deno.connect({ port: 1 })),
        await attempt(() => new Deno.Command("true").output()),
        await attempt(() => Deno.env.get("HOME")),
        await attempt(() => Deno.hostname())]);`,
    );
    assert.ok(Array.isArray(reported));
    assert.equal(reported[0], "own");
    for (const refused of reported.slice(1)) assert.match(refused, /^NotCapable/);
  }));

Deno.test("every permission value that nerve.yaml accepts, Deno accepts too", () => {
  const hosts =
    '["example.com", "*.example.com:443", "10.0.0.0/8", "[::1]", "[::1]:80", "a_b.example", "unix:/run/x.sock"]';
  const yaml =
    `senses: { a: { permissions: { net: ${hosts}, import: [esm.sh, "esm.sh:443"], env: [A, B_*], run: [df, bin/x],
    sys: [cpus, hostname, loadavg, osRelease, networkInterfaces, statfs, setuid, inspector], read: [x, ../y] } } }\n`;
  return inWorkspace(yaml, async (_, grants) => {
    assert.equal(await inSandbox(grants(group), "report(1)"), 1);
  });
});

Deno.test("a workflow reads its folder, the blobs and the log, writes only blobs, and has no sense's database", () =>
  inWorkspace("senses: { a: {} }\nworkflows: { w: {} }\n", async (paths, grants) => {
    await Deno.mkdir(paths.blobs, { recursive: true });
    await Deno.mkdir(dirname(paths.workflowEntry("w")), { recursive: true });
    await Deno.writeTextFile(paths.workflowEntry("w"), "code");
    await Deno.mkdir(dirname(paths.senseDatabase("a")), { recursive: true });
    for (const path of [paths.logDatabase, paths.senseDatabase("a")]) new DatabaseSync(path).close();
    const reported = await inSandbox(
      grants({ kind: "workflow", name: "w" }),
      `
      report([await attempt(() => Deno.readTextFile(${JSON.stringify(paths.workflowEntry("w"))})),
        await attempt(() => Deno.writeTextFile(${JSON.stringify(join(paths.blobs, "b"))}, "x")),
        await attempt(() => new DatabaseSync(${JSON.stringify(paths.logDatabase)}, { readOnly: true }) && "open"),
        await attempt(() => new DatabaseSync(${JSON.stringify(paths.logDatabase)}) && "open"),
        await attempt(() => new DatabaseSync(${
        JSON.stringify(paths.senseDatabase("a"))
      }, { readOnly: true }) && "open")]);`,
    );
    assert.ok(Array.isArray(reported));
    assert.equal(reported[0], "code");
    assert.equal(reported[1], undefined);
    assert.equal(reported[2], "open");
    for (const refused of reported.slice(3)) assert.match(refused, /^NotCapable/);
  }));
