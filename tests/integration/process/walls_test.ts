/**
 * Landlock around the processes of units, on real processes: what it leaves open, what it needs to be renewed for, and
 * what is said where a system has none. tests/faults/attacks/landlock_test.ts has what it refuses.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { loadAll } from "../../../src/deploy/validate.ts";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { type Form, long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { makeWorkspace, startWorkspace } from "../../support/workspace_fixture.ts";

const absent = { landlock: 0, permissions: true };
const hasLandlock = systemIsolation().landlock > 0;
/** 1: it is behind Landlock, which takes the right to gain privileges. */
const confinedNow = (pid: number) =>
  /NoNewPrivs:\s*(\d)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))?.[1] === "1";
const count = `export const compute = ({ sqlite }) => {
  sqlite.exec("create table if not exists t (x); insert into t values (1)");
  return sqlite.prepare("select count(*) as n from t").get();
};`;

function wallTest(name: string, fn: () => Promise<void>, form: Form = Deno): void {
  form.test({ name, ignore: !hasLandlock, fn });
}

wallTest(
  "every process of a unit is behind Landlock, but those that say unconfined, and their whole group",
  async () => {
    await using workspace = await startWorkspace({
      yaml: {
        senses: {
          a: {},
          b: { permissions: { unconfined: true } },
          c: { group: "g", permissions: { unconfined: true } },
          d: { group: "g" },
        },
      },
      senses: { a: count, b: count, c: count, d: count },
    });
    for (const sense of ["a", "b", "d"]) await workspace.payload(sense);
    assert.deepEqual(["a", "b", "g"].map((name) => confinedNow(workspace.pid(name))), [true, false, false]);
    assert.equal(workspace.health().landlock, systemIsolation().landlock);
  },
);

long.test("where there is no Landlock the first wall stands alone: health, status and one row say so", async () => {
  await using served = await serveWorkspace({ senses: { a: count }, isolation: absent });
  const { workspace } = served;
  assert.deepEqual(await workspace.payload("a"), { n: 1 });
  assert.ok(!confinedNow(workspace.pid("a")));
  assert.equal(workspace.health().landlock, 0);
  const [row, ...more] = await workspace.rows({ type: "kernel.isolation_reduced" });
  assert.match(JSON.stringify(row?.payload), /this system has no Landlock: only Deno's permissions hold/);
  assert.deepEqual(more, []);
  assert.match((await served.nerve("status")).out, /^🔶 this system has no Landlock/m);
});

Deno.test("isolation: require refuses to run without Landlock, and says what to do; a reload keeps what runs", async () => {
  await using required = await makeWorkspace({
    senses: { a: count },
    yaml: { isolation: "require", senses: { a: {} } },
    isolation: absent,
  });
  await assert.rejects(required.start(), {
    code: "ISOLATION_MISSING",
    message: /isolation: require/,
    hint: /Linux 5\.13 or later/,
  });
  await using workspace = await startWorkspace({ senses: { a: count }, isolation: absent });
  workspace.write("nerve.yaml", "isolation: require\nsenses: { a: {} }\n");
  const { configError } = await workspace.kernel.api.reload();
  assert.match(configError ?? "", /error isolation: this system has no Landlock/);
  assert.deepEqual(await workspace.payload("a"), { n: 1 });
});

wallTest("isolation: require runs where there is Landlock", async () => {
  await using workspace = await startWorkspace({
    senses: { a: count },
    yaml: { isolation: "require", senses: { a: {} } },
  });
  assert.deepEqual(await workspace.payload("a"), { n: 1 });
  assert.deepEqual(await workspace.rows({ type: "kernel.isolation_reduced" }), []);
});

wallTest("a granted file that was replaced, or appears later, is open again at the next compute", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { log: { permissions: { read: ["./app.log", "./app.log.1"] }, keep_alive: true } } },
    senses: {
      log: `const read = (name) => { try { return Deno.readTextFileSync(name); } catch (error) { return error.name; } };
        export const compute = () => [read("app.log"), read("app.log.1")];`,
    },
    files: { "app.log": "one" },
  });
  assert.deepEqual(await workspace.payload("log"), ["one", "NotFound"]);
  Deno.renameSync(`${workspace.root}/app.log`, `${workspace.root}/app.log.1`);
  workspace.write("app.log", "two");
  assert.deepEqual(await workspace.payload("log"), ["two", "one"]);
  const pid = workspace.pid("log");
  workspace.write("app.log", "three");
  assert.deepEqual(await workspace.payload("log"), ["three", "one"]);
  assert.equal(workspace.pid("log"), pid, "the same file with other content needs no new process");
});

wallTest(
  "a folder that may be written and is missing is made, a file too, and neither by code that is only tried",
  async () => {
    const yaml = {
      senses: { a: { permissions: { read: ["./files", "./out.txt"], write: ["./files", "./out.txt"] } } },
    };
    await using workspace = await makeWorkspace({
      yaml,
      senses: {
        a: `export const compute = () => {
        Deno.writeTextFileSync("files/x", "1"); Deno.writeTextFileSync("out.txt", "2");
        return [Deno.readTextFileSync("files/x"), Deno.readTextFileSync("out.txt")];
      };`,
      },
    });
    assert.deepEqual(await loadAll(await workspace.config(), workspace.paths), []);
    const names = () => [...Deno.readDirSync(workspace.root)].map(({ name }) => name);
    assert.ok(!names().includes("files") && !names().includes("out.txt"));
    await workspace.start();
    assert.deepEqual(await workspace.payload("a"), ["1", "2"]);
  },
);

wallTest("code that is tried is behind both walls", async () => {
  await using workspace = await makeWorkspace({
    yaml: { senses: { a: { permissions: { run: ["cat"] } } } },
    senses: {
      a: `const { success } = new Deno.Command("cat", { args: ["nerve.yaml"], stderr: "null" }).outputSync();
        if (success) throw new Error("it was read"); export const compute = () => 1;`,
    },
  });
  assert.deepEqual(await loadAll(await workspace.config(), workspace.paths), []);
  Deno.writeTextFileSync(
    `${workspace.root}/senses/a/index.ts`,
    `
    Deno.readTextFileSync("nerve.yaml"); export const compute = () => 1;`,
  );
  assert.equal((await loadAll(await workspace.config(), workspace.paths)).length, 1);
});

wallTest(
  "a peer's database is read while its sense writes, when nobody has it open, and after it was made again",
  async () => {
    const reader = (peers: unknown) => ({ peers });
    const read = `import { sql } from "drizzle-orm";
    export const compute = ({ peers }) => ({ n: peers.writer.all(sql\`select count(*) as n from t\`)[0].n });`;
    await using workspace = await startWorkspace({
      yaml: { senses: { writer: {}, all: reader("all"), named: reader(["writer"]) } },
      senses: { writer: count, all: read, named: read },
    });
    await workspace.payload("writer");
    for (const sense of ["all", "named"]) assert.deepEqual(await workspace.payload(sense), { n: 1 }, sense);
    await workspace.payload("writer");
    for (const sense of ["all", "named"]) assert.deepEqual(await workspace.payload(sense), { n: 2 }, `${sense}, live`);
    await workspace.stop();
    await workspace.start();
    for (const sense of ["all", "named"]) {
      assert.deepEqual(
        await workspace.payload(sense),
        { n: 2 },
        `${sense}, closed`,
      );
    }
    await workspace.payload("writer");
    for (const sense of ["all", "named"]) assert.deepEqual(await workspace.payload(sense), { n: 3 }, `${sense}, again`);
  },
  long,
);

wallTest(
  "a database that another program closed last is opened again, although its files beside it were removed",
  async () => {
    await using workspace = await startWorkspace({
      yaml: { senses: { a: { group: "g" }, b: { group: "g" } } },
      senses: { a: count, b: count },
    });
    await workspace.payload("a");
    await workspace.payload("b");
    await workspace.stop();
    await workspace.start();
    await workspace.payload("a");
    // The group's process is there and has not opened b.
    const db = new DatabaseSync(workspace.paths.senseDatabase("b"));
    db.prepare("select count(*) from t").get();
    db.close();
    assert.throws(() => Deno.statSync(`${workspace.paths.senseDatabase("b")}-wal`), Deno.errors.NotFound);
    assert.deepEqual(await workspace.payload("b"), { n: 2 });
    assert.deepEqual(await workspace.payload("a"), { n: 3 });
  },
  long,
);

wallTest("programs have a temporary folder of their own, which goes with the process", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { a: { permissions: { run: ["sh"] } } } },
    senses: {
      a: `export const compute = () => {
        const { stdout } = new Deno.Command("sh", { args: ["-c", "echo x > $TMPDIR/left && echo $TMPDIR"] }).outputSync();
        return { folder: new TextDecoder().decode(stdout).trim() };
      };`,
    },
  });
  const { folder } = await workspace.payload("a") as { folder: string };
  assert.ok(folder.startsWith(`${workspace.paths.data}/tmp/`) && Deno.statSync(`${folder}/left`).isFile);
  await workspace.stop();
  assert.deepEqual([...Deno.readDirSync(`${workspace.paths.data}/tmp`)], []);
});
