/**
 * Imports: a sense's own folder, lib/, nerve, drizzle-orm, zod and harmless built-ins, and nothing else on the disk, in
 * the package cache or in nerve itself. npm packages are the danger: Deno asks no permission for them.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { pathToFileURL } from "node:url";
import { isOpenBuiltin } from "../../../src/sandbox/module_gate.ts";
import { type Attack, type Attacks, longAttackTest } from "../../support/attack_tests.ts";

const refused = /^threw .*(cannot be imported|closed in the sandbox|NotCapable|Requires (read|import) access)/;
const works = /^returned "it works"/;
const closed = builtinModules.map((name) => name.replace(/^node:/, "")).filter((name) =>
  !isOpenBuiltin(`node:${name}`)
);
/** It has a stand-in, and a class that cannot be used (lockdown.ts). */
const standIns = ["process", "worker_threads"];

/** Each way to name a module: Deno resolves some of them through different code. */
function waysTo(name: string): Record<string, Attack> {
  const text = JSON.stringify(`node:${name}`);
  const own = (code: string): string =>
    `await import('data:text/javascript,' + encodeURIComponent(${JSON.stringify(code)}))`;
  const bodies: Record<string, string> = {
    dynamic: `await import(${text})`,
    bare: `await import(${JSON.stringify(name)})`,
    escaped: `await import(${JSON.stringify("\\x6eode:")} .replace('\\\\x6e', 'n') + ${JSON.stringify(name)})`,
    upper: `await import('NODE:' + ${JSON.stringify(name)})`,
    eval: `await (0, eval)("import('node:${name}')")`,
    function: `await new Function("return import('node:${name}')")()`,
    static: own(`import * as all from ${text}; export default all;`),
    again: own(`export * from ${text}; export { default } from ${text};`),
  };
  return Object.fromEntries(
    Object.entries(bodies).map(([way, body]) => [
      `${name.replaceAll(/[^a-z]/g, "-").replace(/^-+/, "u-")}-${way}`,
      { body: `return typeof (${body})`, outcome: refused, only: "sense" as const },
    ]),
  );
}

// In short: gate_test.ts.
longAttackTest(
  "no Node built-in that acts on the process can be imported, by any name and in any way",
  Object.assign({}, ...closed.filter((name) => !standIns.includes(name)).map(waysTo)) as Attacks,
);

longAttackTest("node:process is a stand-in that cannot end the process, in whatever way it is imported", {
  "default": {
    body: "return typeof (await import('node:process')).default._kill(1, 9)",
    outcome: /^threw .*process\._kill affects the whole process/,
  },
  "abort": { body: "(await import('node:process')).abort()", outcome: /^threw .*not a function/ },
  "abort-bare": { body: "(await import('process')).abort()", outcome: /^threw .*not a function/ },
  "abort-static": {
    body:
      `const { all } = await import('data:text/javascript,import * as all from "node:process"; export { all }'); all.abort()`,
    outcome: /^threw .*not a function/,
  },
  "exit-static": {
    body: `const { exit } = await import('data:text/javascript,export * from "node:process"'); exit(3)`,
    outcome: /^threw .*cannot end its process/,
  },
});

longAttackTest("a package is loaded only when permissions.import names it, even when it is in the cache", {
  "zod": { head: "import * as z from 'zod';", body: "return z.string().parse('it works')", outcome: works },
  "drizzle": {
    body: "return typeof (await import('drizzle-orm/sqlite-core')).text === 'function' && 'it works'",
    outcome: works,
  },
  "nerve": {
    head: "import { END as end } from 'nerve';",
    body: "return end !== undefined && 'it works'",
    outcome: works,
  },
  "own-file": { body: "return (await import('../../lib/shared.ts')).shared", outcome: works },
  "bare-hono": { body: "return Object.keys(await import('ho' + 'no'))", outcome: refused },
  "bare-yaml": { body: "return Object.keys(await import('yaml'))", outcome: refused },
  "npm-locked": { body: "return Object.keys(await import('npm:' + 'hono@4.13.19'))", outcome: refused },
  "npm-locked-static": {
    body: `return Object.keys(await import('data:text/javascript,export * from "npm:hono@4.13.19"'))`,
    outcome: refused,
  },
  "npm-slash": { body: "return Object.keys(await import('npm:' + '/hono@4.13.19/jsx'))", outcome: refused },
  "npm-upper": { body: "return Object.keys(await import('NPM:' + 'yaml@2.9.1'))", outcome: refused },
  "npm-unknown": { body: "return Object.keys(await import('npm:' + 'left-pad'))", outcome: refused },
  "open-package-backwards": {
    body: "return Object.keys(await import('drizzle-orm/' + '../hono@4.13.19'))",
    outcome: /^threw .*NotFound: No such file/,
  },
  "open-package-far-backwards": {
    body: "return Object.keys(await import('drizzle-orm/' + '../../src/sandbox/context_helpers.ts'))",
    outcome: refused,
  },
  "open-package-encoded": {
    body: "return Object.keys(await import('drizzle-orm/' + '%2e%2e/hono@4.13.19'))",
    outcome: /^threw .*NotFound: No such file/,
  },
  // A wasm module that passes on createRequire of node:module.
  "wasm-module": {
    body:
      "const { make } = await import('data:application/wasm;base64,AGFzbQEAAAABBgFgAW8BbwIdAQtub2RlOm1vZHVsZQ1jcmVhdGVSZXF1aXJlAAAHCAEEbWFrZQAA'); return typeof make(import.meta.url)('child_process').spawn",
    outcome: /^threw .*node:module.* does not provide an export named .createRequire/,
  },
  "wasm-own-file": {
    body:
      "const { make } = await import('../../lib/make.wasm'); return typeof make(import.meta.url)('child_process').spawn",
    outcome: /^threw .*node:module.* does not provide an export named .createRequire/,
  },
  "common-js": {
    body: "return (await import('../../lib/spawn.cjs')).default",
    outcome: /^threw .*node:module.* does not provide an export named .createRequire/,
  },
  "common-js-json": {
    body: "return (await import('../../lib/outside.cjs')).default",
    outcome: /^threw .*node:module.* does not provide an export named .createRequire/,
  },
  "jsr": { body: "return Object.keys(await import('jsr:' + '@std/path'))", outcome: refused },
  "cache-file": {
    body: `return Object.keys(await import(${JSON.stringify(cachedPackageFile())}))`,
    outcome: refused,
  },
  "nerves-own-code": {
    body:
      "return Object.keys(await import(import.meta.resolve('nerve').replace(/sdk.mod.[jt]s/, 'sandbox/context_helpers.ts')))",
    outcome: refused,
  },
  "nerves-main": {
    body: "return Object.keys(await import(import.meta.resolve('nerve').replace(/sdk.mod.[jt]s/, 'main.ts')))",
    outcome: refused,
  },
  "granted-data": {
    body: "return (await import(config.workspace + '/granted/module.ts')).default",
    outcome: refused,
    yaml: { permissions: { read: ["granted"] } },
  },
  "after-pollution": {
    body:
      `String.prototype.startsWith = () => true; Set.prototype.has = () => true; Array.prototype.includes = () => true;
      RegExp.prototype.test = () => true; String.prototype.slice = function () { return '/'; }; Deno.realPathSync = () => config.workspace + '/lib/shared.ts';
      globalThis.decodeURIComponent = () => config.workspace + '/lib/shared.ts'; Function.prototype.call = () => true; Reflect.apply = () => true;
      return Object.keys(await import('yaml'))`,
    // With so much replaced, Deno's own side of its connection is the first thing to fail.
    outcome: /^(threw .*cannot be imported|died: .*the connection to the kernel is broken)/,
    deadly: true,
  },
  "remote-other-host": {
    body: "return await import(`http://127.0.0.1:${config.deniedPort}/x.ts`)",
    outcome: /^threw .*(NotCapable|Requires import access)/,
    yaml: { permissions: { import: ["example.com"] } },
  },
  "remote-static-other-host": {
    body: "return await import('data:text/javascript,import \\'http://127.0.0.1:' + config.deniedPort + '/?leak\\'')",
    outcome: /^threw .*(NotCapable|Requires import access)/,
    yaml: { permissions: { import: ["example.com"] } },
  },
  "remote-static-beside-a-package": {
    body: "return await import('data:text/javascript,import \\'http://127.0.0.1:' + config.deniedPort + '/?leak\\'')",
    outcome: refused,
    yaml: { permissions: { import: ["npm:croner"] } },
  },
  "npm-granted": {
    body: "return typeof (await import('npm:' + 'croner@11.0.1')).Cron === 'function' && 'it works'",
    outcome: works,
    yaml: { permissions: { import: ["npm:croner@11.0.1"] } },
  },
  "npm-granted-another": {
    body: "return Object.keys(await import('npm:' + 'yaml@2.9.1'))",
    outcome: refused,
    yaml: { permissions: { import: ["npm:croner"] } },
  },
  // A package without "exports", beside another in the cache.
  "npm-granted-and-out-of-it": {
    body:
      "return Object.keys(await import('npm:' + '@babel/parser@7.28.5/../../../hono/4.13.19/package.json', { with: { type: 'json' } }))",
    outcome: refused,
    yaml: { permissions: { import: ["npm:@babel/parser"] } },
  },
  "npm-granted-and-outside": {
    body:
      "return Object.keys(await import('npm:' + '@babel/parser@7.28.5/../../../../../../../../../../../../..' + config.outside + '/module.ts'))",
    outcome: refused,
    yaml: { permissions: { import: true } },
  },
  "builtin-after-pollution": {
    body:
      `Set.prototype.has = () => true; String.prototype.startsWith = () => false; Object.prototype.shortCircuit = true;
      return typeof (await import('node:child_process')).spawn`,
    outcome: /^threw .*closed in the sandbox/,
    deadly: true,
  },
}, {
  files: {
    "lib/shared.ts": "export const shared = 'it works';",
    "granted/module.ts": "export default 'granted';",
    "lib/spawn.cjs": "module.exports = typeof require('node:child_process').spawn;",
    "lib/outside.cjs": "module.exports = require('/etc/ssl/openssl.cnf');",
    "lib/make.wasm": atob("AGFzbQEAAAABBgFgAW8BbwIdAQtub2RlOm1vZHVsZQ1jcmVhdGVSZXF1aXJlAAAHCAEEbWFrZQAA"),
  },
});

Deno.test("every Node built-in of this Deno is classified as open or closed, and deno.json closes the same ones", () => {
  const { imports } = JSON.parse(Deno.readTextFileSync(new URL("../../../deno.json", import.meta.url)));
  assert.ok(closed.length > 20, "a list that came out empty would prove nothing");
  for (const name of closed) {
    for (const key of [`node:${name}`, ...(builtinModules.includes(name) ? [name] : [])]) {
      assert.ok(key in imports, `${key} is open in deno.json`);
    }
  }
});

/** A file of a package in Deno's cache on this machine. */
function cachedPackageFile(): string {
  const { stdout } = new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).outputSync();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  for (const registry of Deno.readDirSync(npmCache)) {
    const versions = `${npmCache}/${registry.name}/hono`;
    if (!registry.isDirectory || !existsSync(versions)) continue;
    const version = [...Deno.readDirSync(versions)].find(({ isDirectory }) => isDirectory)?.name;
    const file = `${versions}/${version}/dist/index.js`;
    if (existsSync(file)) return pathToFileURL(file).href;
  }
  throw new Error(`no hono below ${npmCache}: deno install puts it there`);
}
