/** Files: in no way can a file be read, listed, written or imported without a grant. */
import { attackTest, longAttackTest } from "../../support/attack_tests.ts";

const refused =
  /^threw .*(NotCapable|Requires (read|write|run|all) access|cannot be imported|not permitted|EACCES|permission denied)/i;
const noWatcher = /^threw .*(watchFs|fs\.watch) is closed in the sandbox/;

attackTest("nothing outside the grants is read, listed, statted or imported", {
  "read": { body: "return await Deno.readTextFile(config.outside + '/secret.txt')", outcome: refused },
  "read-sync": { body: "return Deno.readTextFileSync(config.outside + '/secret.txt')", outcome: refused },
  "read-up": { body: "return Deno.readTextFileSync('../outside/secret.txt')", outcome: refused },
  "read-dots": {
    body: "return Deno.readTextFileSync(import.meta.dirname + '/../../../outside/secret.txt')",
    outcome: refused,
  },
  "read-fetch": {
    body: "return await (await fetch('file://' + config.outside + '/secret.txt')).text()",
    outcome: refused,
  },
  "read-node": {
    body: "return (await import('node:fs')).readFileSync(config.outside + '/secret.txt', 'utf8')",
    outcome: refused,
  },
  "read-node-promises": {
    body: "return await (await import('node:fs/promises')).readFile(config.outside + '/secret.txt', 'utf8')",
    outcome: refused,
  },
  "read-stream": {
    body: `const { createReadStream } = await import('node:fs');
      let text = ''; for await (const part of createReadStream(config.outside + '/secret.txt')) text += part; return text`,
    outcome: refused,
  },
  "list": { body: "return [...Deno.readDirSync(config.outside)]", outcome: refused },
  "list-node": { body: "return (await import('node:fs')).readdirSync(config.outside)", outcome: refused },
  "stat": { body: "return Deno.statSync(config.outside + '/secret.txt').size", outcome: refused },
  "lstat": { body: "return Deno.lstatSync(config.outside + '/secret.txt').size", outcome: refused },
  "exists-node": {
    body:
      "if ((await import('node:fs')).existsSync(config.outside + '/secret.txt')) return 'it is there'; throw new Error('NotCapable or missing: not told')",
    outcome: refused,
  },
  "real-path": { body: "return Deno.realPathSync(config.outside)", outcome: refused },
  "read-link": { body: "return Deno.readLinkSync(config.outside)", outcome: refused },
  "watch": { body: "for await (const event of Deno.watchFs(config.outside)) return event", outcome: noWatcher },
  // Watchers are counted for all programs of the user: 128 of them, and nobody else can watch.
  "watch-granted": { body: "Deno.watchFs(config.workspace + '/data/blobs')", outcome: noWatcher },
  "watch-node": { body: "(await import('node:fs')).watch(config.workspace + '/data/blobs')", outcome: noWatcher },
  "watch-node-default": {
    body: "(await import('fs')).default.watch(config.workspace + '/data/blobs')",
    outcome: noWatcher,
  },
  "watch-node-promises": {
    body:
      "for await (const event of (await import('node:fs')).promises.watch(config.workspace + '/data/blobs')) return event",
    outcome: noWatcher,
  },
  "watch-promises": {
    body:
      "for await (const event of (await import('node:fs/promises')).watch(config.workspace + '/data/blobs')) return event",
    outcome: noWatcher,
  },
  "import-module": { body: "return (await import(config.outside + '/module.ts')).secret", outcome: refused },
  "import-url": { body: "return (await import('file://' + config.outside + '/module.ts')).secret", outcome: refused },
  "import-json": {
    body: "return (await import(config.outside + '/secret.json', { with: { type: 'json' } })).default",
    outcome: refused,
  },
  "import-text": {
    body: "return (await import(config.outside + '/secret.txt', { with: { type: 'text' } })).default",
    outcome:
      /^threw .*(NotCapable|Requires read access|cannot be imported|unsupported|not supported|attribute|experimental)/i,
  },
  "import-by-data": {
    body:
      `return (await import('data:text/javascript,export * from "file://' + config.outside + '/module.ts"')).secret`,
    outcome: refused,
  },
  "import-by-blob": {
    body:
      `const url = URL.createObjectURL(new Blob(['export * from "file://' + config.outside + '/module.ts"'], { type: 'text/javascript' }));
      return (await import(url)).secret`,
    outcome: refused,
  },
  "import-another-sense": {
    body: "return Object.keys(await import(config.workspace + '/senses/steady/index.ts'))",
    outcome: refused,
  },
  "source-of-nerve-yaml": { body: "return Deno.readTextFileSync(config.workspace + '/nerve.yaml')", outcome: refused },
  "wasm-file": {
    body: "return (await WebAssembly.compileStreaming(fetch('file://' + config.outside + '/module.ts')))",
    outcome: refused,
  },
  "load-env-file": {
    body: "return process.loadEnvFile(config.outside + '/secret.txt')",
    outcome: /^threw .*process\.loadEnvFile affects the whole process/,
  },
}, {
  landlock: [
    "read",
    "read-sync",
    "read-up",
    "read-dots",
    "read-node",
    "read-node-promises",
    "read-stream",
    "list",
    "list-node",
    "source-of-nerve-yaml",
  ],
});

attackTest("nothing outside the grants is written, created, moved or removed", {
  "write": { body: "Deno.writeTextFileSync(config.outside + '/secret.txt', 'x')", outcome: refused },
  "append": { body: "Deno.writeTextFileSync(config.outside + '/secret.txt', 'x', { append: true })", outcome: refused },
  "create": { body: "Deno.createSync(config.outside + '/new')", outcome: refused },
  "mkdir": { body: "Deno.mkdirSync(config.outside + '/new')", outcome: refused },
  "temp": { body: "Deno.makeTempFileSync({ dir: config.outside })", outcome: refused },
  "temp-default": { body: "return Deno.makeTempFileSync()", outcome: refused },
  "truncate": { body: "Deno.truncateSync(config.outside + '/secret.txt', 0)", outcome: refused },
  "remove": { body: "Deno.removeSync(config.outside + '/secret.txt')", outcome: refused },
  "chmod": { body: "Deno.chmodSync(config.outside + '/secret.txt', 0o777)", outcome: refused },
  "utime": { body: "Deno.utimeSync(config.outside + '/secret.txt', 1, 1)", outcome: refused },
  "rename-out": { body: "Deno.renameSync(import.meta.filename, config.outside + '/moved')", outcome: refused },
  "rename-in": {
    body: "Deno.renameSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/x')",
    outcome: refused,
  },
  "copy-out": { body: "Deno.copyFileSync(import.meta.filename, config.outside + '/copy')", outcome: refused },
  "copy-in": {
    body: "Deno.copyFileSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/x')",
    outcome: refused,
  },
  "write-node": { body: "(await import('node:fs')).writeFileSync(config.outside + '/new', 'x')", outcome: refused },
  "write-by-blob-name": {
    body: "await blobs.write('x'); return await blobs.read('../../../outside/secret.txt')",
    outcome: /^threw .*is not a digest/,
  },
  "own-code": { body: "Deno.writeTextFileSync(import.meta.filename, 'x')", outcome: refused },
  "nerve-yaml": {
    body: "Deno.writeTextFileSync(config.workspace + '/nerve.yaml', 'x', { append: true })",
    outcome: refused,
  },
  "lib": { body: "Deno.mkdirSync(config.workspace + '/lib')", outcome: refused },
  "log": { body: "Deno.writeTextFileSync(config.workspace + '/data/logs.db', 'x')", outcome: refused },
  "victims-database": { body: "Deno.writeFileSync(config.victimDatabase, new Uint8Array(10))", outcome: refused },
  "victims-wal": { body: "Deno.removeSync(config.victimDatabase + '-wal')", outcome: refused },
  "socket": { body: "Deno.removeSync(config.socket)", outcome: refused },
}, {
  landlock: [
    "write",
    "append",
    "create",
    "mkdir",
    "temp",
    "truncate",
    "remove",
    "rename-out",
    "rename-in",
    "copy-out",
    "copy-in",
    "write-node",
    "own-code",
    "nerve-yaml",
    "lib",
    "log",
    "victims-database",
    "victims-wal",
    "socket",
  ],
});

longAttackTest("no link can be created, neither to files outside the grants nor from there", {
  "symlink-in": { body: "Deno.symlinkSync(config.outside, config.workspace + '/data/blobs/way')", outcome: refused },
  "symlink-node": {
    body: "(await import('node:fs')).symlinkSync(config.outside, config.workspace + '/data/blobs/way')",
    outcome: refused,
  },
  "symlink-own-database": {
    body:
      "Deno.removeSync(config.workspace + '/data/blobs/x', { recursive: true }); Deno.symlinkSync('/etc', config.workspace + '/data/blobs/x')",
    outcome: /^threw .*(NotCapable|No such file)/,
  },
  "hard-link": {
    body: "Deno.linkSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/way')",
    outcome: refused,
  },
  "hard-link-node": {
    body: "(await import('node:fs')).linkSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/way')",
    outcome: refused,
  },
  "race": {
    body: `const way = config.workspace + '/data/blobs/race'; let made = 0, why = null;
      for (let n = 0; n < 200; n++) {
        try { Deno.symlinkSync(n % 2 ? config.outside : config.workspace, way); made++; } catch (error) { why = error; }
        try { Deno.removeSync(way); } catch { /* nothing was made */ }
      }
      if (made > 0) return made; throw why`,
    outcome: refused,
  },
  "rename-over-a-granted-name": {
    body: `const file = config.workspace + '/data/blobs/mine'; Deno.writeTextFileSync(file, 'x');
      Deno.renameSync(file, config.victimDatabase)`,
    outcome: refused,
  },
  "proc-root": {
    body: "return Deno.readTextFileSync('/proc/self/root' + config.outside + '/secret.txt')",
    outcome: refused,
  },
  "proc-cwd": { body: "return Deno.readTextFileSync('/proc/self/cwd/nerve.yaml')", outcome: refused },
  "dev-fd": { body: "return [...Deno.readDirSync('/dev/fd')].length", outcome: refused },
}, {
  landlock: ["hard-link", "hard-link-node", "rename-over-a-granted-name", "proc-root", "proc-cwd"],
});
