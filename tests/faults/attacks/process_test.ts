/**
 * The process and the machine: nothing is started, stopped, signalled or loaded, and the kernel's secrets stay secret.
 */
import assert from "node:assert/strict";
import { attackTest, longAttackTest } from "../../support/attack_tests.ts";

const refused =
  /^threw .*(NotCapable|Requires (run|ffi|read|sys|env|all) access|closed in the sandbox|not a constructor|not a function|affects the whole process)/;
const unavailable = /^threw .*(undefined|not a function|not a constructor|Cannot read prop)/;

attackTest("no program is started and no native code is run", {
  "command": { body: "return (await new Deno.Command('id').output()).success", outcome: refused },
  "command-sync": {
    body: "return new Deno.Command('/bin/sh', { args: ['-c', 'id'] }).outputSync().success",
    outcome: refused,
  },
  "command-spawn": { body: "new Deno.Command(Deno.execPath()).spawn()", outcome: refused },
  "deno-run": { body: "Deno.run({ cmd: ['id'] })", outcome: refused },
  "child-process": { body: "(await import('node:child_process')).execSync('id')", outcome: refused },
  "require": {
    body: "return (await import('node:module')).createRequire(import.meta.url)('child_process')",
    outcome: refused,
  },
  "builtin-module": { body: "return process.getBuiltinModule('node:child_process')", outcome: refused },
  "process-binding": { body: "return process.binding('spawn_sync')", outcome: refused },
  "main-module": { body: "return process.mainModule.require('child_process')", outcome: unavailable },
  "ffi": { body: "return Deno.dlopen('libc.so.6', { getpid: { parameters: [], result: 'i32' } })", outcome: refused },
  "ffi-process": { body: "return process.dlopen({ exports: {} }, '/lib/x.so')", outcome: refused },
  "unsafe-pointer": { body: "return Deno.UnsafePointer.of(new Uint8Array(8))", outcome: refused },
  "unsafe-callback": {
    body: "return new Deno.UnsafeCallback({ parameters: [], result: 'void' }, () => {})",
    outcome: refused,
  },
  "wasi": { body: "return new (await import('node:wasi')).WASI({ version: 'preview1' })", outcome: refused },
  "wasm-with-imports": {
    // A module that imports env.f and calls it: it reaches the imports that it was given and nothing more.
    body:
      `const bytes = Uint8Array.of(0,97,115,109,1,0,0,0,1,4,1,96,0,0,2,9,1,3,101,110,118,1,102,0,0,3,2,1,0,7,5,1,1,103,0,1,10,6,1,4,0,16,0,11);
      const { instance } = await WebAssembly.instantiate(bytes, { env: { f: () => Deno.readTextFileSync('/etc/passwd') } });
      return instance.exports.g()`,
    outcome: refused,
  },
  "test-runner": {
    body: "Deno.test('x', () => {}); Deno.bench('x', () => {})",
    outcome: /^threw .*Deno\.test .*closed in the sandbox/,
  },
}, {
  landlock: ["command", "command-sync", "command-spawn"],
});

longAttackTest("no signal is sent and no process is ended, not even its own", {
  "kill-kernel": { body: "Deno.kill(Deno.ppid, 'SIGKILL')", outcome: refused },
  "kill-kernel-node": { body: "process.kill(process.ppid, 'SIGKILL')", outcome: refused },
  "kill-import": { body: "(await import('node:process')).kill(1, 0)", outcome: unavailable },
  "kill-own": { body: "Deno.kill(Deno.pid, 'SIGKILL')", outcome: refused },
  "kill-group": { body: "Deno.kill(-Deno.pid, 'SIGTERM')", outcome: refused },
  "usr1-to-itself": { body: "Deno.kill(Deno.pid, 'SIGUSR1')", outcome: refused },
  "usr1-by-node": { body: "process.kill(process.pid, 'SIGUSR1')", outcome: refused },
  "usr1-debug": { body: "process._debugProcess(process.pid)", outcome: unavailable },
  "underscore-kill": { body: "process._kill(process.ppid, 9)", outcome: refused },
  "abort": { body: "process.abort()", outcome: refused },
  "exit": { body: "Deno.exit(0)", outcome: /^threw .*cannot end its process/ },
  "exit-code": { body: "process.exitCode = 3; Deno.exitCode = 3; return 'set'", outcome: /^returned "set"$/ },
  "exit-later": {
    body: "setTimeout(() => process.exit(1)); await new Promise((done) => setTimeout(done, 20)); return 'alive'",
    outcome: /^returned "alive"/,
  },
  "close": { body: "self.close()", outcome: /^threw .*cannot end its process/ },
  "prototype-close": {
    body: "Object.getPrototypeOf(self).close?.call(self); return 'alive'",
    outcome: /^returned "alive"$/,
  },
  "signal-listener": {
    body: "process.on('SIGTERM', () => {}); return 'listens'",
    outcome: /^threw .*a signal listener .*closed in the sandbox/,
  },
  "inspector": { body: "(await import('node:inspector')).open(0)", outcome: refused },
  "trace": { body: "(await import('node:trace_events')).createTracing({ categories: ['v8'] })", outcome: refused },
  "v8-flags": { body: "(await import('node:v8')).setFlagsFromString('--expose-gc')", outcome: refused },
  "heap-snapshot": { body: "(await import('v8')).writeHeapSnapshot('x')", outcome: refused },
  "repl": { body: "(await import('node:repl')).start()", outcome: refused },
  "process-report": { body: "return process.report.writeReport('x')", outcome: /^returned ""$/ },
}, {
  async check(daemon) {
    const { units } = await daemon.health();
    for (const { name, deaths } of units) assert.equal(deaths, 0, `${name} did not die`);
  },
});

longAttackTest("no other thread is started and no other realm is entered", {
  "worker": { body: "new Worker('data:text/javascript,1', { type: 'module' })", outcome: refused },
  "worker-permissions": {
    body: "new Worker(import.meta.url, { type: 'module', deno: { permissions: 'inherit' } })",
    outcome: refused,
  },
  "worker-threads": { body: "new (await import('node:worker_threads')).Worker('x', { eval: true })", outcome: refused },
  "worker-static": {
    head: "import { Worker as Thread } from 'node:worker_threads';",
    body: "new Thread('1', { eval: true })",
    outcome: /^threw .*threads are closed in the sandbox/,
  },
  "worker-rebuilt": {
    head: "import { Worker as Thread } from 'node:worker_threads';",
    body: "return Reflect.construct(Thread, ['1', { eval: true }], class {})",
    outcome: /^threw .*threads are closed in the sandbox/,
  },
  "vm": { body: "return (await import('node:vm')).runInNewContext('1')", outcome: refused },
  "shadow-realm": { body: "return new globalThis.ShadowRealm()", outcome: unavailable },
  "cluster": { body: "(await import('node:cluster')).default.fork()", outcome: refused },
  "function-constructor": { body: "return (0, eval)('Deno.readTextFileSync(\"/etc/passwd\")')", outcome: refused },
  "broadcast-to-kernel": {
    body: "const channel = new BroadcastChannel('nerve'); channel.postMessage('hello'); channel.close(); return 'sent'",
    outcome: unavailable,
  },
  "graphics-card": { body: "return await navigator.gpu.requestAdapter()", outcome: unavailable },
  "graphics-card-by-prototype": {
    body:
      "return Object.getOwnPropertyDescriptor(Object.getPrototypeOf(navigator), 'gpu')!.get!.call(navigator).requestAdapter()",
    outcome: unavailable,
  },
  "steal-locks": {
    body: "const held = await navigator.locks?.query(); return held?.held?.length ?? 0",
    outcome: /^returned 0$/,
  },
});

attackTest("the kernel's environment, arguments, memory and files cannot be read", {
  "env": { body: "return Deno.env.get('EXAMPLE_KERNEL_SECRET')", outcome: refused },
  "env-all": { body: "return Deno.env.toObject()", outcome: refused },
  "env-node": { body: "return process.env.EXAMPLE_KERNEL_SECRET.length", outcome: refused },
  "env-node-all": { body: "return Object.keys({ ...process.env })", outcome: refused },
  "env-set": {
    body: "Deno.env.set('LD_PRELOAD', '/x.so')",
    outcome: /^threw .*a variable cannot be set in the sandbox/,
  },
  "args": {
    body: "return JSON.stringify([Deno.args, process.argv]).includes('NERVE_TOKEN')",
    outcome: /^returned false$/,
  },
  "proc-environ": { body: "return Deno.readTextFileSync(`/proc/${Deno.ppid}/environ`)", outcome: refused },
  "proc-own-environ": { body: "return Deno.readTextFileSync('/proc/self/environ')", outcome: refused },
  "proc-thread": { body: "return Deno.readTextFileSync('/proc/thread-self/environ')", outcome: refused },
  "proc-cmdline": { body: "return Deno.readTextFileSync(`/proc/${Deno.ppid}/cmdline`)", outcome: refused },
  "proc-memory": { body: "return Deno.openSync(`/proc/${Deno.ppid}/mem`)", outcome: refused },
  "proc-maps": { body: "return Deno.readTextFileSync('/proc/self/maps')", outcome: refused },
  "hostname": { body: "return Deno.hostname()", outcome: refused },
  "users": { body: "return (await import('node:os')).userInfo()", outcome: refused },
  "interfaces": { body: "return Deno.networkInterfaces()", outcome: refused },
  "home": { body: "return (await import('node:os')).homedir()", outcome: refused },
  "ask-for-more": {
    body:
      "const { state } = await Deno.permissions.request({ name: 'read' }); if (state === 'granted') return state; throw new Error('NotCapable: ' + state)",
    outcome: refused,
  },
  "internals": { body: "return Object.keys(Deno[Deno.internal].core.ops)", outcome: unavailable },
}, {
  landlock: ["proc-environ", "proc-own-environ", "proc-thread", "proc-cmdline", "proc-memory"],
  async check(daemon, outcomes) {
    for (const [name, outcome] of outcomes) assert.ok(!outcome.includes(daemon.targets.secret), name);
    const rows = JSON.stringify(await daemon.logs({}));
    assert.ok(!rows.includes("EXAMPLE_KERNEL_SECRET="), "no row holds an environment");
  },
});

longAttackTest("a file descriptor of the process can be neither wrapped, read nor written", {
  "fs-read": {
    body: `const fs = await import('node:fs'); const found = [];
      for (let fd = 3; fd < 64; fd++) { try { fs.readSync(fd, new Uint8Array(1)); found.push(fd); } catch { /* closed */ } }
      return found`,
    outcome: /^returned \[\]$/,
  },
  "fs-write": {
    body: `const fs = await import('node:fs'); const found = [];
      for (let fd = 3; fd < 64; fd++) { try { fs.writeSync(fd, 'x'); found.push(fd); } catch { /* closed */ } }
      return found`,
    outcome: /^returned \[\]$/,
  },
  "fs-close": {
    body: `const fs = await import('node:fs'); const found = [];
      for (let fd = 3; fd < 64; fd++) { try { fs.closeSync(fd); found.push(fd); } catch { /* not ours */ } }
      return found`,
    outcome: /^returned \[\]$/,
  },
  "net-socket": { body: "return new (await import('node:net')).Socket({ fd: 20 })", outcome: refused },
  "http-agent": {
    body: "return new (await import('node:http')).Agent().createConnection({ fd: 20 })",
    outcome: refused,
  },
  "tty": { body: "return new (await import('node:tty')).ReadStream(20)", outcome: refused },
  "stdin": { body: "process.stdin.destroy?.(); return 'closed'", outcome: /^returned "closed"$/ },
  "stdout": {
    body: "Deno.stdout.writeSync(new TextEncoder().encode('{\"t\":\"ready\"}\\n')); return 'printed'",
    outcome: /^returned "printed"$/,
  },
  "socket-of-stdout": {
    body: "return Object.getPrototypeOf(Object.getPrototypeOf(process.stdout))?.constructor?.name ?? 'none'",
    outcome: /^returned "Stream"$/,
  },
  "socket-class-by-stdout": {
    body: `let at = process.stdout, names = [];
      for (; at; at = Object.getPrototypeOf(at)) { const made = at.constructor; names.push(made?.name);
        if (made?.name === 'Socket') { const wrapped = new made({ fd: 20 }); return 'wrapped ' + typeof wrapped.write; } }
      return names`,
    outcome: /^returned \["Writable","Writable","Stream","EventEmitter","Object"\]$/,
  },
  "socket-class-by-stderr": {
    body: `let at = process.stderr;
      for (; at; at = Object.getPrototypeOf(at)) if (at.constructor?.name === 'Socket') return 'wrapped'; return []`,
    outcome: /^returned \[\]$/,
  },
  "socket-class-by-stdin": {
    body: `let at = process.stdin;
      for (; at; at = Object.getPrototypeOf(at)) if (/Socket|Pipe/.test(at.constructor?.name)) return 'wrapped ' + at.constructor.name; return []`,
    outcome: /^returned \[\]$/,
  },
});
