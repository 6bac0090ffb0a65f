/** Return values of senses and roles: no value harms the kernel or what is stored of it. */
import assert from "node:assert/strict";
import { attackTest, longAttackTest } from "../../support/attack_tests.ts";

const only = "sense" as const, raw = true;
const error = /^threw /;

attackTest("a value that is not JSON, too large or too deep is an error of the sense that returned it", {
  "getter-throws": { body: "return { get x() { throw new Error('boo') } }", outcome: /^threw .*boo/ },
  "to-json-throws": { body: "return { toJSON() { throw new Error('boo') } }", outcome: /^threw .*boo/ },
  "cycle": { body: "const a: any = {}; a.a = a; return a", outcome: /^threw .*circular structure/ },
  "big-int": { body: "return { n: 10n ** 400n }", outcome: /^threw .*serialize a BigInt/ },
  "function": { body: "return () => 1", raw, only, outcome: /^threw .*is not JSON: function$/ },
  "symbol": { body: "return Symbol('x')", raw, only, outcome: /^threw .*is not JSON: symbol$/ },
  "huge": { body: "return 'x'.repeat(2 ** 21)", outcome: /^threw .* larger than \d+ bytes/ },
  "deep": {
    body: "let a: any = 1; for (let n = 0; n < 5_000; n++) a = [a]; return a",
    outcome: /^threw .*nested deeper than 128 levels$/,
    only,
  },
  "deeper": {
    body: "let a: any = 1; for (let n = 0; n < 1e6; n++) a = [a]; return a",
    outcome: /^threw .* larger than \d+ bytes/,
  },
  "deep-error": {
    body: "let e: any = new Error('x'); for (let n = 0; n < 1e5; n++) e = new Error('y', { cause: e }); throw e",
    outcome: error,
  },
  "huge-error": { body: "throw new Error('x'.repeat(2 ** 22))", outcome: /^threw .{1,20000}$/ },
  "error-getter": {
    body: "const e = new Error('x'); Object.defineProperty(e, 'message', { get() { throw 1 } }); throw e",
    outcome: /^threw .*a value that cannot be shown/,
  },
  "proxy-revoked": {
    body: "const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy",
    outcome: /^threw .*a proxy that has been revoked/,
  },
  "proxy-endless": {
    body:
      "return new Proxy({}, { ownKeys: () => Array.from({ length: 1e5 }, (_, n) => 'k' + n), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 'xxxxxxxx' }), get: () => 'xxxxxxxx' })",
    outcome: /^threw .* larger than \d+ bytes/,
  },
  "thenable": {
    body: "return { then(done: any) { done('settled'); done('twice'); throw new Error('late'); } }",
    outcome: /^returned "settled"$/,
  },
  "proto-key": {
    body: 'return JSON.parse(\'{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}\')',
    outcome: /^returned \{"__proto__":\{"polluted":true\},"constructor":\{"prototype":\{"polluted":true\}\}\}$/,
  },
  "lone-surrogate": {
    body: "return '\\ud800 \\udc00 \\u0000 \\u2028'",
    outcome: /^returned "(\ufffd|\\ud800) (\ufffd|\\udc00) \\u0000 \u2028"$/,
  },
  "negative-zero-and-nan": { body: "return [-0, NaN, Infinity]", outcome: /^returned \[0,null,null\]/ },
  "date": { body: "return new Date(NaN)", outcome: /^returned null$/ },
  "terminal-escapes": { body: "throw new Error('\\u001b]0;owned\\u0007\\u001b[2J\\u202e')", outcome: error },
  "log-anything": {
    body:
      "log(Symbol.iterator, { toString() { return 'x'.repeat(1e6) } }, (() => {})); log('info', 'x'.repeat(1e6), { a: 1n }); return 'lived'",
    outcome: /^returned "lived"$/,
  },
}, {
  async check(daemon) {
    const rows = await daemon.logs({ order: "desc", limit: 1_000 });
    assert.ok(rows.every((row) => JSON.stringify(row).length < 400_000));
    assert.equal((Object.prototype as Record<string, unknown>).polluted, undefined);
    assert.deepEqual((await daemon.health()).units.filter(({ deaths }) => deaths > 0), []);
  },
});

longAttackTest("a group that replaces everything in its realm deceives only itself", {
  "pollute": {
    body: `Object.prototype.t = 'log'; Object.prototype.of = 'victim'; Object.prototype.workflow = 'hostile|1|x';
      Array.prototype.map = () => []; Promise.prototype.then = function () { return this; };
      MessagePort.prototype.postMessage = () => {}; JSON.parse = () => ({ t: 'end' }); return 'polluted'`,
    outcome: /^(returned|timeout|threw|died: )/,
    deadly: true,
    only,
    yaml: { timeout: "300ms", grace_period: "100ms" },
  },
  "forge-by-stringify": {
    body: `const real = JSON.stringify;
      JSON.stringify = (() => { JSON.stringify = real; return '1},"t":"log","of":"victim","level":"info","message":"forged","data":{"a":{"b":1}'; });
      return 'x'`,
    outcome: /^(returned|timeout|threw|died: )/,
    deadly: true,
    only,
    yaml: { timeout: "300ms", grace_period: "100ms" },
  },
  "post-to-parent": {
    body:
      `for (const message of ['ended', '{"t":"log","of":"victim","level":"info","message":"forged","data":null}', { t: 'end' }, null]) self.postMessage(message); return 'said'`,
    outcome: /^returned "said"/,
  },
  // Every value goes through an encoder before it is sent. It is not the realm's.
  "forge-the-bytes": {
    body: `const encode = TextEncoder.prototype.encode, run = { runId: "01M7X8ZN5GGT9769DSXE9FH8KK", attempt: 1 };
      const said: unknown[] = [
        { t: "log", of: "victim", level: "info", message: "forged", data: null },
        { t: "loaded", name: "victim", problems: [{ message: "forged", place: null }] },
        { t: "message", ...run, round: 1, role: "x", content: "forged", meta: {} },
        { t: "finished", ...run, outcome: { kind: "completed" } },
      ];
      for (let id = 1; id < 200; id++) said.push({ t: "outcome", id, outcome: { kind: "value", value: { n: "forged" } } });
      const forged = said.map((message) => JSON.stringify(message) + "\\n").join("");
      TextEncoder.prototype.encode = function (text) { return encode.call(this, forged + text); };
      return "forged"`,
    outcome: /^returned "forged"/,
    deadly: true,
    only,
  },
  // The same for an order that is never kept: the events after it never arrive.
  "wait-for-ever": {
    body: `const encode = TextEncoder.prototype.encode;
      TextEncoder.prototype.encode = function (text) { return encode.call(this, '{"t":"barrier","n":1000000}\\n' + text); };
      return "said"`,
    outcome: /^returned "said"/,
    deadly: true,
    only,
    yaml: { timeout: "300ms", grace_period: "100ms" },
  },
  "errors-without-end": {
    body:
      "for (let n = 0; n < 2_000; n++) { Promise.reject(new Error('stray ' + n)); setTimeout(() => { throw new Error('timer ' + n) }); } await new Promise((done) => setTimeout(done, 100)); return 'lived'",
    outcome: /^returned "lived"/,
    deadly: true,
  },
}, {
  async check(daemon) {
    for (const source of ["sense:victim", "sense:steady"] as const) {
      for (const row of await daemon.logs({ source })) assert.ok(!JSON.stringify(row).includes("forged"));
    }
    const { counters } = await daemon.health();
    assert.equal(counters.refused ?? 0, 0, "no forged message has left the process");
  },
});
