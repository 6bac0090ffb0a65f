/** Files: in no way can a file be read, listed, written or imported without a grant. */
import { attackTest } from "../../support/attack_daemon.ts";

const refused =
  /^threw .*(NotCapable|Requires (read|write|run|all) access|cannot be imported|not permitted|EACCES|permission denied)/i;

attackTest("nothing outside the grants is read, listed, statted or imported", {
  "read": { body: "return await Deno.readTextFile(config.outside + '/secret.txt')", comesTo: refused },
  "read-sync": { body: "return Deno.readTextFileSync(config.outside + '/secret.txt')", comesTo: refused },
  "read-up": { body: "return Deno.readTextFileSync('../outside/secret.txt')", comesTo: refused },
  "read-dots": {
    body: "return Deno.readTextFileSync(import.meta.dirname + '/../../../outside/secret.txt')",
    comesTo: refused,
  },
  "read-fetch": {
    body: "return await (await fetch('file://' + config.outside + '/secret.txt')).text()",
    comesTo: refused,
  },
  "read-node": {
    body: "return (await import('node:fs')).readFileSync(config.outside + '/secret.txt', 'utf8')",
    comesTo: refused,
  },
  "read-node-promises": {
    body: "return await (await import('node:fs/promises')).readFile(config.outside + '/secret.txt', 'utf8')",
    comesTo: refused,
  },
  "read-stream": {
    body: `const { createReadStream } = await import('node:fs');
      let text = ''; for await (const part of createReadStream(config.outside + '/secret.txt')) text += part; return text`,
    comesTo: refused,
  },
  "list": { body: "return [...Deno.readDirSync(config.outside)]", comesTo: refused },
  "list-node": { body: "return (await import('node:fs')).readdirSync(config.outside)", comesTo: refused },
  "stat": { body: "return Deno.statSync(config.outside + '/secret.txt').size", comesTo: refused },
  "lstat": { body: "return Deno.lstatSync(config.outside + '/secret.txt').size", comesTo: refused },
  "exists-node": {
    body:
      "if ((await import('node:fs')).existsSync(config.outside + '/secret.txt')) return 'it is there'; throw new Error('NotCapable or missing: not told')",
    comesTo: refused,
  },
  "real-path": { body: "return Deno.realPathSync(config.outside)", comesTo: refused },
  "read-link": { body: "return Deno.readLinkSync(config.outside)", comesTo: refused },
  "watch": { body: "for await (const event of Deno.watchFs(config.outside)) return event", comesTo: refused },
  "import-module": { body: "return (await import(config.outside + '/module.ts')).secret", comesTo: refused },
  "import-url": { body: "return (await import('file://' + config.outside + '/module.ts')).secret", comesTo: refused },
  "import-json": {
    body: "return (await import(config.outside + '/secret.json', { with: { type: 'json' } })).default",
    comesTo: refused,
  },
  "import-text": {
    body: "return (await import(config.outside + '/secret.txt', { with: { type: 'text' } })).default",
    comesTo:
      /^threw .*(NotCapable|Requires read access|cannot be imported|unsupported|not supported|attribute|experimental)/i,
  },
  "import-by-data": {
    body:
      `return (await import('data:text/javascript,export * from "file://' + config.outside + '/module.ts"')).secret`,
    comesTo: refused,
  },
  "import-by-blob": {
    body:
      `const url = URL.createObjectURL(new Blob(['export * from "file://' + config.outside + '/module.ts"'], { type: 'text/javascript' }));
      return (await import(url)).secret`,
    comesTo: refused,
  },
  "import-another-sense": {
    body: "return Object.keys(await import(config.workspace + '/senses/steady/index.ts'))",
    comesTo: refused,
  },
  "source-of-nerve-yaml": { body: "return Deno.readTextFileSync(config.workspace + '/nerve.yaml')", comesTo: refused },
  "wasm-file": {
    body: "return (await WebAssembly.compileStreaming(fetch('file://' + config.outside + '/module.ts')))",
    comesTo: refused,
  },
  "load-env-file": { body: "return process.loadEnvFile(config.outside + '/secret.txt')", comesTo: /^threw / },
});

attackTest("nothing outside the grants is written, created, moved or removed", {
  "write": { body: "Deno.writeTextFileSync(config.outside + '/secret.txt', 'x')", comesTo: refused },
  "append": { body: "Deno.writeTextFileSync(config.outside + '/secret.txt', 'x', { append: true })", comesTo: refused },
  "create": { body: "Deno.createSync(config.outside + '/new')", comesTo: refused },
  "mkdir": { body: "Deno.mkdirSync(config.outside + '/new')", comesTo: refused },
  "temp": { body: "Deno.makeTempFileSync({ dir: config.outside })", comesTo: refused },
  "temp-default": { body: "return Deno.makeTempFileSync()", comesTo: refused },
  "truncate": { body: "Deno.truncateSync(config.outside + '/secret.txt', 0)", comesTo: refused },
  "remove": { body: "Deno.removeSync(config.outside + '/secret.txt')", comesTo: refused },
  "chmod": { body: "Deno.chmodSync(config.outside + '/secret.txt', 0o777)", comesTo: refused },
  "utime": { body: "Deno.utimeSync(config.outside + '/secret.txt', 1, 1)", comesTo: refused },
  "rename-out": { body: "Deno.renameSync(import.meta.filename, config.outside + '/moved')", comesTo: refused },
  "rename-in": {
    body: "Deno.renameSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/x')",
    comesTo: refused,
  },
  "copy-out": { body: "Deno.copyFileSync(import.meta.filename, config.outside + '/copy')", comesTo: refused },
  "copy-in": {
    body: "Deno.copyFileSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/x')",
    comesTo: refused,
  },
  "write-node": { body: "(await import('node:fs')).writeFileSync(config.outside + '/new', 'x')", comesTo: refused },
  "write-by-blob-name": {
    body: "await blobs.write('x'); return await blobs.read('../../../outside/secret.txt')",
    comesTo: /^(threw|returned null)/,
  },
  "own-code": { body: "Deno.writeTextFileSync(import.meta.filename, 'x')", comesTo: refused },
  "nerve-yaml": {
    body: "Deno.writeTextFileSync(config.workspace + '/nerve.yaml', 'x', { append: true })",
    comesTo: refused,
  },
  "lib": { body: "Deno.mkdirSync(config.workspace + '/lib')", comesTo: refused },
  "log": { body: "Deno.writeTextFileSync(config.workspace + '/data/logs.db', 'x')", comesTo: refused },
  "victims-database": { body: "Deno.writeFileSync(config.victimDatabase, new Uint8Array(10))", comesTo: refused },
  "victims-wal": { body: "Deno.removeSync(config.victimDatabase + '-wal')", comesTo: refused },
  "socket": { body: "Deno.removeSync(config.socket)", comesTo: refused },
});

attackTest("no link can be created, neither to files outside the grants nor from there", {
  "symlink-in": { body: "Deno.symlinkSync(config.outside, config.workspace + '/data/blobs/way')", comesTo: refused },
  "symlink-node": {
    body: "(await import('node:fs')).symlinkSync(config.outside, config.workspace + '/data/blobs/way')",
    comesTo: refused,
  },
  "symlink-own-database": {
    body:
      "Deno.removeSync(config.workspace + '/data/blobs/x', { recursive: true }); Deno.symlinkSync('/etc', config.workspace + '/data/blobs/x')",
    comesTo: /^threw .*(NotCapable|Requires|No such file)/,
  },
  "hard-link": {
    body: "Deno.linkSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/way')",
    comesTo: refused,
  },
  "hard-link-node": {
    body: "(await import('node:fs')).linkSync(config.outside + '/secret.txt', config.workspace + '/data/blobs/way')",
    comesTo: refused,
  },
  "race": {
    body: `const way = config.workspace + '/data/blobs/race'; let made = 0, why = null;
      for (let n = 0; n < 200; n++) {
        try { Deno.symlinkSync(n % 2 ? config.outside : config.workspace, way); made++; } catch (error) { why = error; }
        try { Deno.removeSync(way); } catch { /* nothing was made */ }
      }
      if (made > 0) return made; throw why`,
    comesTo: refused,
  },
  "rename-over-a-granted-name": {
    body: `const file = config.workspace + '/data/blobs/mine'; Deno.writeTextFileSync(file, 'x');
      Deno.renameSync(file, config.victimDatabase)`,
    comesTo: refused,
  },
  "proc-root": {
    body: "return Deno.readTextFileSync('/proc/self/root' + config.outside + '/secret.txt')",
    comesTo: refused,
  },
  "proc-cwd": { body: "return Deno.readTextFileSync('/proc/self/cwd/nerve.yaml')", comesTo: refused },
  "dev-fd": { body: "return [...Deno.readDirSync('/dev/fd')].length", comesTo: refused },
});
