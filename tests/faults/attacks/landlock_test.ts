/**
 * What Deno's permissions do not hold: SQLite, the runtime's own caches, granted programs and libraries, links. Landlock
 * refuses it, beside those permissions and alone. What each of them would do is in the bystanders' hands: no file outside
 * is touched, no server is reached, and the kernel lives.
 */
import assert from "node:assert/strict";
import { fromFileUrl } from "../../support/paths.ts";
import { type Attacks, attackTest, longAttackTest } from "../../support/attack_tests.ts";
import { systemIsolation } from "../../../src/process/isolation.ts";

const hasLandlock = systemIsolation().landlock > 0;
const denied =
  /^threw .*(permission ?denied|EACCES|os error 13|unable to open|disk i\/o|readonly|not authorized|may not|cannot be imported|NotCapable)/i;

/** The same is expected of both walls and of Landlock alone. */
function held(attacks: Attacks): Attacks {
  return Object.fromEntries(
    Object.entries(attacks).map(([name, attack]) => [name, { ...attack, alone: attack.alone ?? attack.outcome }]),
  );
}

if (hasLandlock) {
  attackTest(
    "what the runtime keeps for everybody is closed",
    held({
      "cache-api": {
        body: `const cache = await caches.open('shared');
          await cache.put('http://x/box', new Response('planted')); return await (await cache.match('http://x/box')).text()`,
        outcome: /^threw /,
      },
    }),
  );

  Deno.test("Landlock alone: what SQLite does by itself stays inside the unit's own files", async () => {
    // The module gate keeps user code from node:sqlite, so a process of its own stands behind the rules of a unit.
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-attack-" }));
    try {
      for (const folder of ["outside", "data/senses", "data/blobs"]) {
        await Deno.mkdir(`${root}/${folder}`, { recursive: true });
      }
      await Deno.writeTextFile(`${root}/outside/secret.txt`, "secret");
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-prompt",
          "--cached-only",
          fromFileUrl(new URL("../../support/walled_sqlite.ts", import.meta.url)),
          root,
        ],
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout),
        found = JSON.parse(text || assert.fail(new TextDecoder().decode(stderr)));
      assert.deepEqual(found, {
        ...{ own: "works", temporary: "refused", outside: "refused", peer: "refused", peerRead: "works" },
        ...{ peerCheckpoint: "refused", peerJournal: "refused", journal: "tried" },
      });
      assert.equal(await Deno.readTextFile(`${root}/outside/secret.txt`), "secret", "a super-journal removes nothing");
      assert.deepEqual([...Deno.readDirSync(`${root}/outside`)].map(({ name }) => name), ["secret.txt"]);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });

  // Each as text in which `config` and `parent` stand for themselves.
  const commands = {
    "it runs at all": 'cat /etc/hostname && echo x > "$TMPDIR/x" && cat "$TMPDIR/x"',
    "read a file outside": "cat '${config.outside}/secret.txt'",
    "list a folder outside": "ls '${config.outside}'",
    "write a file outside": "echo x > '${config.outside}/new'",
    "change a file outside": "echo x >> '${config.outside}/secret.txt'",
    "cut a file outside short": "truncate -s 0 '${config.outside}/secret.txt'",
    "remove a file outside": "rm '${config.outside}/secret.txt'",
    "move a file outside": "mv '${config.outside}/secret.txt' '${config.outside}/moved'",
    "move a file in": "mv '${config.outside}/secret.txt' \"$TMPDIR/x\"",
    "link a file in": "ln '${config.outside}/secret.txt' \"$TMPDIR/x\"",
    "read through a link": 'ln -s \'${config.outside}\' "$TMPDIR/way" && cat "$TMPDIR/way/secret.txt"',
    "make a device": 'mknod "$TMPDIR/disk" b 8 0',
    "read nerve.yaml": "cat '${config.workspace}/nerve.yaml'",
    "write nerve.yaml": "echo x >> '${config.workspace}/nerve.yaml'",
    "write code": "echo x >> '${config.workspace}/senses/steady/index.ts'",
    "read another's code": "cat '${config.workspace}/senses/victim/index.ts'",
    "write the log": "echo x >> '${config.workspace}/data/logs.db'",
    "write another's database": "echo x >> '${config.victimDatabase}'",
    "remove another's database": "rm '${config.victimDatabase}'",
    "make a file beside it": "echo x > '${config.victimDatabase}-journal'",
    "end the kernel": "kill -KILL ${parent}",
    "stop the kernel": "kill -STOP ${parent}",
    "ask whether the kernel is there": "kill -0 ${parent}",
    "read the kernel's environment": "cat /proc/${parent}/environ",
    "read the kernel's arguments": "cat /proc/${parent}/cmdline",
    "read the kernel's memory": "head -c 1 /proc/${parent}/mem",
    "list the kernel's folder": "ls /proc/${parent}/cwd/",
    "connect to a server": "exec 3<>/dev/tcp/127.0.0.1/${config.deniedPort}",
    "execute what it wrote": 'printf \'#!/bin/sh\\n\' > "$TMPDIR/tool" && chmod +x "$TMPDIR/tool" && "$TMPDIR/tool"',
    "gain privileges": "grep -q 'NoNewPrivs:[[:space:]]*0' /proc/self/status",
  };
  const tryAll = `const parent = Deno.ppid, done = [];
    for (const [name, command] of Object.entries({
      ${Object.entries(commands).map(([name, text]) => `${JSON.stringify(name)}: \`${text}\``).join(",\n      ")}
    })) {
      if (new Deno.Command('bash', { args: ['-c', command], stdout: 'null', stderr: 'null' }).outputSync().success) done.push(name);
    }
    return done`;
  longAttackTest(
    "a granted program, and what it starts, does no more than the unit that starts it",
    held({
      "program": { body: tryAll, outcome: /^returned \["it runs at all"\]$/, yaml: { permissions: { run: ["bash"] } } },
      "program-with-a-port": {
        body: tryAll,
        outcome: /^returned \["it runs at all"\]$/,
        yaml: { permissions: { run: ["bash"], net: ["example.com:443"], read: ["./files"], write: ["./files"] } },
      },
    }),
    { files: { "files/app/x.txt": "x" } },
  );

  longAttackTest(
    "a link in a granted folder leads nowhere outside of it, whoever made it and wherever it is moved",
    held({
      "made-by-a-program": {
        body: `const way = config.workspace + '/files/way' + crypto.randomUUID(); // The role does the same beside it.
          new Deno.Command('ln', { args: ['-sfn', config.outside, way] }).outputSync();
          return Deno.readTextFileSync(way + '/secret.txt')`,
        outcome: denied,
        yaml: { permissions: { run: ["ln"], read: ["./files"], write: ["./files"] } },
      },
      "moved": {
        body: `const files = config.workspace + '/files', deep = files + '/' + crypto.randomUUID() + '/v1';
          Deno.mkdirSync(deep, { recursive: true });
          new Deno.Command('ln', { args: ['-sfn', '../data', deep + '/data'] }).outputSync();
          Deno.renameSync(deep + '/data', files + '/data' + crypto.randomUUID());
          for (const { name } of Deno.readDirSync(files)) {
            if (name.startsWith('data')) return [...Deno.readDirSync(files + '/' + name)].map((entry) => entry.name);
          }`,
        outcome: denied,
        yaml: { permissions: { run: ["ln"], read: ["./files"], write: ["./files"] } },
      },
    }),
    { files: { "files/app/x.txt": "x" } },
  );

  longAttackTest(
    "native code in the process is held as the process is",
    held({
      "native": {
        body: `const { symbols: c } = Deno.dlopen('libc.so.6', {
            open: { parameters: ['buffer', 'i32'], result: 'i32' },
            unlink: { parameters: ['buffer'], result: 'i32' },
            truncate: { parameters: ['buffer', 'i64'], result: 'i32' },
            kill: { parameters: ['i32', 'i32'], result: 'i32' },
          });
          const path = new TextEncoder().encode(config.outside + '/secret.txt\\0');
          return [c.open(path, 0), c.open(path, 2), c.unlink(path), c.truncate(path, 0n), c.kill(Deno.ppid, 9)]`,
        outcome: /^returned \[-1,-1,-1,-1,-1\]$/,
        yaml: { permissions: { ffi: true } },
      },
    }),
  );

  longAttackTest("unconfined lifts Landlock for the unit that says so, and for no other", {
    "unconfined": {
      body: `return new TextDecoder().decode(
        new Deno.Command('cat', { args: [config.outside + '/secret.txt'] }).outputSync().stdout)`,
      outcome: /^returned "very-secret-/,
      yaml: { permissions: { run: ["cat"], unconfined: true } },
    },
    "confined": {
      body: `return new TextDecoder().decode(
        new Deno.Command('cat', { args: [config.outside + '/secret.txt'] }).outputSync().stderr)`,
      outcome: /Permission denied/,
      yaml: { permissions: { run: ["cat"] } },
    },
  });
}

Deno.test("this machine tests what Landlock holds", () => {
  // On a system without it the tests above do not exist; say so rather than pass in silence.
  assert.ok(hasLandlock || Deno.build.os !== "linux", "this Linux has no Landlock: its attacks were not tried");
});
