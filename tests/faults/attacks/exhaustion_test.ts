/**
 * Endless loops and unbounded memory: the group that does it is ended within its limits, and no other unit is late for
 * it.
 */
import assert from "node:assert/strict";
import { longForm } from "../../support/attack_daemon.ts";
import { type Attack, type Attacks, longAttackTest } from "../../support/attack_tests.ts";

const soon = { timeout: "200ms", grace_period: "100ms" };
const endless = (body: string): Attack => ({ body, outcome: /^timeout/, deadly: true, only: "sense", yaml: soon });

longAttackTest("a compute that blocks its thread is killed after its timeout and grace period", {
  "loop": endless("for (;;);"),
  "catching-loop": endless("for (;;) try { throw 1; } catch { continue; }"),
  "microtasks": endless("const again = (): Promise<void> => Promise.resolve().then(again); await again();"),
  "next-ticks": endless("const again = () => process.nextTick(again); again(); await new Promise(() => {});"),
  "regex": endless("return /^(a+)+$/.test('a'.repeat(60) + '!');"),
  "sort": endless("return Array.from({ length: 1e5 }, () => 1).sort(() => { for (;;); });"),
  "atomics": endless("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
  "wasm": endless(
    "new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.of(0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,7,5,1,1,102,0,0,10,9,1,7,0,3,64,12,0,11,11))).exports.f()",
  ),
  "json": endless("let text = '['.repeat(2e6); for (;;) { try { JSON.parse(text); } catch { /* again */ } }"),
  "never": endless("await new Promise(() => {});"),
  "timers": endless(
    "const again = () => { for (let n = 0; n < 100; n++) setTimeout(again); }; again(); await new Promise(() => {});",
  ),
  ...(longForm
    ? {
      "role-loop": { body: "for (;;);", outcome: /^died: /, deadly: true, only: "workflow" as const },
      "role-regex": {
        body: "return /^(a+)+$/.test('a'.repeat(60) + '!');",
        outcome: /^died: /,
        deadly: true,
        only: "workflow" as const,
      },
    }
    : {}),
} as Attacks);

const small = { memory: "64MiB" };
const hungry = (body: string, outcome = /^died: .*(ran out of its memory limit|out of memory|killed)/): Attack => ({
  body,
  outcome,
  deadly: true,
  group: small,
  // A workflow's process is started again until its run has crashed three times; the short form takes one of them.
  ...(longForm || body.startsWith("const kept = []; for (let n") ? {} : { only: "sense" as const }),
});

longAttackTest("a group that exceeds its memory limit is ended as out of memory", {
  "heap": hungry("const kept = []; for (let n = 0;; n++) kept.push({ n, text: 'x' + n });"),
  ...(longForm
    ? {
      "strings": hungry(
        "let text = 'x'; const kept = []; for (let n = 0;; n++) kept.push((text + n).padEnd(1e5, 'y' + n).split('').join(n + ''));",
      ),
      "buffers": hungry(
        "const kept = []; for (;;) { kept.push(new Uint8Array(8e6).fill(1)); await new Promise((done) => setTimeout(done, 5)); }",
      ),
    }
    : {}),
  "buffers-at-once": hungry("const kept = []; for (;;) kept.push(new Uint8Array(16e6).fill(1));"),
  "one-buffer": hungry(
    "new Uint8Array(3e9).fill(1); await new Promise((done) => setTimeout(done, 25_000)); return 'held'",
    /^(died: .*ran out of its memory limit|threw .*RangeError)/,
  ),
  "wasm-memory": hungry(
    "const memory = new WebAssembly.Memory({ initial: 1000 }); for (;;) { memory.grow(200); new Uint8Array(memory.buffer).fill(1); await new Promise((done) => setTimeout(done, 5)); }",
    /^died: .*ran out of its memory limit/,
  ),
  "sqlite": {
    ...hungry(
      "sqlite.exec('pragma cache_size = -4000000; create temp table t (x)'); for (;;) { sqlite.exec('insert into t values (randomblob(8000000))'); await new Promise((done) => setTimeout(done, 5)); }",
      /^died: .*ran out of its memory limit/,
    ),
    only: "sense",
  },
}, {
  async check(daemon) {
    const ends = await daemon.logs({ type: "group.died" });
    const kinds = new Set(ends.map(({ payload }) => Object(payload).end));
    for (const kind of kinds) assert.match(String(kind), /^(out_of_memory|memory_limit)$/, JSON.stringify(ends));
  },
});

const own = "const file = config.workspace + '/data/blobs/own-' + Math.random(); Deno.writeTextFileSync(file, 'x');";

longAttackTest("a group that exhausts threads, timers or descriptors harms only itself", {
  "threads": {
    body:
      `${own} await Promise.all(Array.from({ length: 5_000 }, () => Deno.readTextFile(file))); Deno.removeSync(file); return 'lived'`,
    outcome: /^returned "lived"$/,
    deadly: true,
  },
  "hashing": {
    body: `const key = await crypto.subtle.importKey('raw', new Uint8Array(32), 'PBKDF2', false, ['deriveBits']);
      await Promise.all(Array.from({ length: 200 }, () => crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 50_000 }, key, 256))); return 'lived'`,
    outcome: /^(returned "lived"|timeout)$/,
    deadly: true,
    only: "sense",
    yaml: soon,
  },
  "timers-at-once": {
    body: "for (let n = 0; n < 300_000; n++) setTimeout(() => {}, 1e6); return 'lived'",
    outcome: /^returned "lived"$/,
    deadly: true,
    only: "sense",
  },
  "descriptors": {
    body:
      `${own} const files = []; try { for (let n = 0; n < 200_000; n++) files.push(Deno.openSync(file)); } catch (error) { for (const each of files) each.close(); throw error; }
      return 'all of them'`,
    outcome: /^threw .*Too many open files/,
    deadly: true,
    only: "sense",
  },
});

longAttackTest("a group that burns a core outside any compute is reported, and ended when it does not answer", {
  "burns-later": {
    body: "setTimeout(() => { for (;;); }, 100); return 'later'",
    outcome: /^returned "later"/,
    deadly: true,
    only: "sense",
    yaml: { keep_alive: true },
  },
}, {
  async check(daemon) {
    const died = JSON.stringify((await daemon.row({ source: "group:burns-later", type: "group.died" })).payload);
    // When other programs leave it no whole core, it uses what it gets, and the heartbeat ends it like any stuck
    // process.
    if (/did not answer for \d+ s/.test(died)) return;
    assert.match(
      died,
      /used (a whole core outside of any compute and did not answer|6 s of processor time outside of any)/,
    );
    const rows = await daemon.logs({ source: "group:burns-later", type: "group.said" });
    assert.match(JSON.stringify(rows), /outside of any compute/);
  },
});

const later = (body: string): Attack => ({
  body: `${body} return 'later'`,
  outcome: /^returned "later"/,
  deadly: true,
  only: "sense",
  yaml: { keep_alive: true },
});

longAttackTest("a group that goes on computing after its compute returned is ended, although it answers", {
  // One thread gets little of a machine that is as busy as that of a gate.
  ...(longForm
    ? {
      "timers-later": later(
        "const again = () => { for (const end = Date.now() + 20; Date.now() < end;); setTimeout(again); }; again();",
      ),
    }
    : {}),
  "threads-later": later(
    `const key = await crypto.subtle.importKey('raw', new Uint8Array(32), 'PBKDF2', false, ['deriveBits']);
      const again = (): Promise<void> => crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 1_000_000 }, key, 256).then(again);
      for (let n = 0; n < 16; n++) void again();`,
  ),
}, {
  async check(daemon) {
    for (const source of [...longForm ? ["group:timers-later"] : [], "group:threads-later"]) {
      const died = JSON.stringify((await daemon.row({ source, type: "group.died" })).payload);
      assert.match(died, /used 6 s of processor time outside of any compute or role|did not answer/, source);
    }
  },
});
