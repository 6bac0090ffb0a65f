/** Escapes from the sandbox that worked on plain Deno: each is rejected with a message, and the process lives. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { long } from "../../support/long_form.ts";
import { makeWorkspace, startWorkspace } from "../../support/workspace_fixture.ts";

const closed = /closed in the sandbox/;

/** The body of an async compute, and the error that it gets. */
const escapes: Readonly<Record<string, [string, RegExp]>> = {
  "deno-exit": ["Deno.exit(3)", /cannot end its process/],
  "process-exit": ["process.exit(4)", /cannot end its process/],
  "really-exit": ["process.reallyExit(4)", /cannot end its process/],
  "self-close": ["self.close()", /cannot end its process/],
  "import-exit": ["(await import('node:process')).exit(5)", /cannot end its process/],
  "import-exit-default": ["(await import('process')).default.exit(5)", /cannot end its process/],
  "deno-kill": ["Deno.kill(Deno.pid, 'SIGKILL')", /Deno\.kill affects the whole process/],
  "process-kill": ["process.kill(process.pid, 9)", /process\.kill affects the whole process/],
  "process-abort": ["process.abort()", /process\.abort affects the whole process/],
  "signal-listener": ["Deno.addSignalListener('SIGTERM', () => {})", /Deno\.addSignalListener affects/],
  "chdir": ["Deno.chdir('/')", /Deno\.chdir affects/],
  "child-process": ["await import('node:child_process')", closed],
  "child-process-bare": ["await import('child_process')", closed],
  "child-process-data": ["await import('data:text/javascript,import \"node:child_process\"')", closed],
  "worker-threads": ["await import('node:worker_threads')", closed],
  "cluster": ["await import('node:cluster')", closed],
  "net": ["await import('node:net')", closed],
  "http": ["await import('node:http')", closed],
  "v8": ["await import('node:v8')", closed],
  "vm": ["await import('node:vm')", closed],
  "module": ["await import('node:module')", closed],
  "inspector": ["await import('node:inspector')", closed],
  "sqlite": ["new (await import('node:sqlite')).DatabaseSync(':memory:')", closed],
  "new-worker": ["new Worker('data:text/javascript,1', { type: 'module' })", /Worker is not a constructor/],
  "builtin-module": ["process.getBuiltinModule('child_process')", /process\.getBuiltinModule affects/],
  "binding": ["process.binding('pipe_wrap')", /process\.binding affects/],
  "internals": ["Deno[Deno.internal].core.ops.op_kill(Deno.pid, 'SIGKILL', 'x')", /undefined/],
  "undo-a-pin": ["delete Deno.exit; Deno.exit(1)", /Cannot delete property/],
  "replace-a-pin": ["Object.defineProperty(Deno, 'exit', { value: 1 })", /Cannot redefine property/],
};

/** Static imports: the module itself does not load. */
const unloadable: Readonly<Record<string, [string, RegExp]>> = {
  "named-abort": ["import { abort } from 'node:process'; export const compute = () => abort();", /abort/],
  "static-child": ["import { spawn } from 'node:child_process'; export const compute = () => spawn('x');", /closed/],
};

Deno.test("what affects the whole process is refused inside the sandbox with an error, and the process lives", async () => {
  const senses: Record<string, string> = {};
  for (const [name, [body]] of Object.entries(escapes)) {
    senses[name] = `export async function compute() {\n  ${body};\n  return 'it worked';\n}`;
  }
  for (const [name, [text]] of Object.entries(unloadable)) senses[name] = text;
  const yaml = { senses: Object.fromEntries(Object.keys(senses).map((name) => [name, { group: "g" }])) };
  await using workspace = await startWorkspace({ yaml, senses });
  const first = await workspace.failure("deno-exit");
  const pid = workspace.pid("g");
  for (const [name, [, expected]] of Object.entries(escapes)) {
    const { message, place } = name === "deno-exit" ? first : await workspace.failure(name);
    assert.match(message, expected, name);
    // A stand-in module closes a built-in: the throw has its place there.
    assert.equal(place?.line ?? null, expected === closed ? null : 2, `${name}: ${message}`);
  }
  for (const [name, [, expected]] of Object.entries(unloadable)) {
    const { code, message, place } = await workspace.failure(name);
    assert.equal(code, "load", name);
    assert.match(message, expected, name);
    assert.equal(place?.file, workspace.paths.senseEntry(name), `${name} has its place: ${message}`);
  }
  await workspace.log("group:g", /tried to end the process \(exit code 3\); refused/);
  assert.equal(workspace.pid("g"), pid, "one process lived through all of it");
  assert.equal(workspace.unit("g").deaths, 0);
});

Deno.test("who imports node:sqlite reads what to use instead, in whatever way it is imported", async () => {
  const heads: Readonly<Record<string, string>> = {
    named: "import { DatabaseSync, backup, constants } from 'node:sqlite'; export { backup, constants, DatabaseSync };",
    whole: "import * as all from 'node:sqlite'; export { all };",
    default: "import sqlite from 'node:sqlite'; export { sqlite };",
    effect: "import 'node:sqlite';",
    again: "export { StatementSync } from 'node:sqlite';",
    dynamic: "const all = await import('node:sqlite');",
  };
  const senses = Object.fromEntries(
    Object.entries(heads).map(([name, head]) => [name, `${head}\nexport const compute = () => 1;`]),
  );
  const yaml = { senses: Object.fromEntries(Object.keys(heads).map((name) => [name, { group: "g" }])) };
  await using workspace = await startWorkspace({ yaml, senses });
  for (const name of Object.keys(heads)) {
    const { code, message } = await workspace.failure(name);
    assert.equal(code, "load", name);
    assert.match(
      message,
      /node:sqlite is closed in the sandbox: use ctx\.sqlite or ctx\.db .*ctx\.peers .*ctx\.logs for the log$/,
      name,
    );
  }
});

long.test("a static import of node:worker_threads, which ignores the import map, gives an unusable class", async () => {
  const text = "import { Worker } from 'node:worker_threads';\nexport const compute = () => new Worker('x');";
  const derived =
    "import { Worker } from 'node:worker_threads';\nexport const compute = () => new (class extends Worker {})('x');";
  await using workspace = await startWorkspace({ senses: { text, derived } });
  for (const name of ["text", "derived"]) {
    const { message, place } = await workspace.failure(name);
    assert.match(message, /threads are closed in the sandbox/);
    assert.equal(place?.line, 2);
  }
});

Deno.test("access that is not granted fails with NotCapable and its place, without a prompt", async () => {
  const denied: Record<string, [string, RegExp]> = {
    "net": ["await fetch('http://127.0.0.1:8009/')", /NotCapable: Requires net access to "127\.0\.0\.1:8009"/],
    "connect": ["await Deno.connect({ port: 9 })", /NotCapable: Requires net access/],
    "read": ["await Deno.readTextFile('/etc/passwd')", /NotCapable: Requires read access to "\/etc\/passwd"/],
    "read-sync": ["Deno.readTextFileSync('../other/index.ts')", /NotCapable: Requires read access/],
    "node-fs": ["(await import('node:fs')).readFileSync('/etc/passwd')", /Requires read access to "\/etc\/passwd"/],
    "write": ["await Deno.writeTextFile('/tmp/nerve-forbidden', '')", /NotCapable: Requires write access/],
    "write-own-code": ["await Deno.writeTextFile(import.meta.filename!, '')", /NotCapable: Requires write access/],
    "run": ["await new Deno.Command('true').output()", /NotCapable: Requires run access to "true"/],
    "env": ["Deno.env.get('HOME')", /NotCapable: Requires env access to "HOME"/],
    "node-env": ["(await import('node:process')).env.HOME!.length", /NotCapable: Requires env access|undefined/],
    "sys": ["Deno.hostname()", /NotCapable: Requires sys access to "hostname"/],
    "ffi": ["Deno.dlopen('libc.so.6', {})", /NotCapable: Requires ffi access/],
    "remote": ["await import('https://127.0.0.1:9/x.ts')", /import access|remote/i],
    "other-sense": ["await import('../read/index.ts')", /read\/index\.ts" cannot be imported: move it to lib\//],
    "attach": ["sqlite.exec(\"attach '/tmp/nerve-forbidden.db' as x\")", /NotCapable: not authorized: attach/],
    "request": [
      "if ((await Deno.permissions.request({ name: 'net' })).state !== 'granted') throw new Error('no')",
      /^no$/,
    ],
  };
  const senses = Object.fromEntries(
    Object.entries(denied).map(([name, [body]]) => [
      name,
      `export async function compute({ sqlite }) {\n  ${body};\n  return 'it worked';\n}`,
    ]),
  );
  const yaml = {
    senses: Object.fromEntries(Object.keys(denied).map((name) => [name, name === "read" ? {} : { group: "g" }])),
  };
  await using workspace = await startWorkspace({ yaml, senses });
  for (const [name, [, expected]] of Object.entries(denied)) {
    const { message, place } = await workspace.failure(name);
    assert.match(message, expected, name);
    assert.equal(place?.line, 2, `${name}: ${message}`);
    if (/^NotCapable: Requires/.test(message)) {
      assert.match(
        message,
        /; declare it under permissions\.\w+ in nerve\.yaml$/,
        "not advice for Deno's own command line",
      );
    }
  }
  const rows = workspace.events.filter((event) => event.kind === "log" && !event.source.startsWith("sense:"));
  assert.deepEqual(rows, [], "no prompt and no other words reached the output");
});

// The bug was: when Deno gives back a path, it also gives back the grants of all folders above: `read: [/tmp]` was
// silently lost.
long.test("a group keeps its grants for the folder of its own socket, but cannot connect there again", async () => {
  await using workspace = await makeWorkspace({});
  const above = dirname(workspace.paths.runtimeFolder), probe = join(above, `probe-${crypto.randomUUID()}`);
  await Deno.mkdir(above, { recursive: true });
  await Deno.writeTextFile(probe, "here");
  const body = `export async function compute() {
    const net = await Deno.permissions.query({ name: "net", host: ${JSON.stringify(`unix:${probe}`)} });
    const connected = await Deno.connect({ transport: "unix", path: ${JSON.stringify(probe)} })
      .then(() => "connected", (thrown) => thrown.name);
    return { read: Deno.readTextFileSync(${JSON.stringify(probe)}), net: net.state, connected };
  }`;
  try {
    await using reading = await startWorkspace({
      yaml: {
        senses: { a: { permissions: { read: [above, "/"] } }, b: { permissions: { net: ["example.com:443"] } } },
      },
      senses: {
        a: body,
        b: `export const compute = async () => (await Deno.permissions.query({ name: "net", host: "example.com:443" })).state;`,
      },
    });
    const { read, net, connected } = await reading.payload("a") as Record<string, unknown>;
    assert.deepEqual([read, net, connected], ["here", "prompt", "NotCapable"]);
    assert.equal(await reading.payload("b"), "granted");
  } finally {
    await Deno.remove(probe);
  }
});
