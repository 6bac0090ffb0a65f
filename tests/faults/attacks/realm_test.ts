/**
 * The realm that user code shares with nerve's own: whatever it replaces there, the gate of imports holds. A bug here would
 * show as a module that user code may not have.
 */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { type Attacks, attackTest, longAttackTest } from "../../support/attack_tests.ts";
import { long } from "../../support/long_form.ts";
import { fromFileUrl, join } from "../../support/paths.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const sandbox = new URL("../../../src/sandbox/", import.meta.url).href;
const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
const hostileRealm = Deno.readTextFileSync(new URL("../../support/hostile_realm.ts", import.meta.url));

/** Tries each import with everything replaced, and then with each single place replaced by each lie. */
const hostile = (outside: string): string => `
import { type Disguise, findPlaces, pristine, replace, settled } from "./hostile_realm.ts";

const { getOwnPropertyDescriptor } = Object, places = findPlaces();
const loadAsNerve = Reflect.get(globalThis, "loadAsNerve") as (path: string) => Promise<unknown>;
const plain = import.meta.dirname + "/plain.ts";
/** A module that is closed, and what it would export. */
const targets: [name: string, load: () => Promise<unknown>, key: string][] = [
  ["a built-in", () => import("node:vm"), "runInNewContext"],
  ["a built-in by data", () => import("data:text/javascript,export * from 'node:module'"), "createRequire"],
  ["a file outside", () => import("${outside}/module.ts"), "secret"],
  ["a package", () => import("yaml"), "parseDocument"],
  ["nerve's own code", () => import("${sandbox}lockdown.ts"), "lockDown"],
  ["what nerve imports", () => loadAsNerve(plain), "secret"],
  ["what nerve imports, a built-in", () => loadAsNerve(plain), "runInNewContext"],
];
/** What only the real built-ins and nerve's own modules have. */
const onlyReal = ["registerHooks", "runInNewContext", "installModuleGate"];
const lies = [undefined, "", true, "node:vm", "${outside}/module.ts"];

const got: string[] = [];
async function tryAll(when: string): Promise<void> {
  for (let at = 0; at < targets.length; at++) {
    const target = targets[at]!;
    try {
      const found = getOwnPropertyDescriptor(await pristine(settled(target[1]())) as object, target[2]);
      if (found !== undefined && found.value !== undefined) got[got.length] = target[0] + " with " + when;
    } catch { /* Refused. */ }
  }
}

for (const disguise of ["spy", "thrower", ...lies.map((liar) => ({ liar }))] as Disguise[]) {
  const undo = replace(places, disguise, (thing) => {
    for (let at = 0; at < onlyReal.length; at++) {
      if (getOwnPropertyDescriptor(thing, onlyReal[at]!) !== undefined) got[got.length] = onlyReal[at] + " was given to a spy";
    }
  });
  await pristine(tryAll("everything replaced"));
  undo();
}
for (let at = 0; at < places.length; at++) {
  for (const liar of lies.slice(2)) {
    const undo = replace([places[at]!], { liar });
    await pristine(tryAll(String(places[at]!.key) + " replaced by " + String(liar)));
    undo();
  }
}
export const tried = { places: places.length, got };
`;

long.test("the module gate holds whatever user code replaces in its realm, all at once or one by one", async () => {
  await inTempDir(async (home) => {
    const outside = pathToFileURL(join(home, "outside")).href;
    await writeWorkspace(home, {
      "outside/module.ts": `export const secret = "very-secret";`,
      "own/hostile_realm.ts": hostileRealm,
      "own/plain.ts": "export const plain = 1;",
      "own/hostile.ts": hostile(outside),
      "start.ts": `import { installModuleGate } from "${sandbox}module_gate.ts";
        import { importUserModule } from "${sandbox}user_module.ts";
        const print = console.log, { stringify } = JSON;
        globalThis.loadAsNerve = importUserModule;
        installModuleGate({ folders: [import.meta.dirname + "/own"], packages: [] });
        print(stringify((await import("./own/" + "hostile.ts")).tried));`,
    });
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", "--frozen", "-c", config, join(home, "start.ts")],
      cwd: home,
    }).output();
    const text = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
    assert.ok(text.startsWith("{"), text + new TextDecoder().decode(stderr));
    const { places, got }: { places: number; got: string[] } = JSON.parse(text);
    assert.ok(places > 2_000, `${places} places: a walk that finds little proves little`);
    assert.deepEqual(got, []);
  });
});

const refused = /^threw .*(NotCapable|cannot be imported|closed in the sandbox|affects the whole process)/;

/** One attack of each kind, and computes and roles as everybody writes them. */
const attacks: Attacks = {
  "plain-value": { body: "return [1, 'two', { three: null }].map((each) => each)", outcome: /^returned \[1,"two",/ },
  "own-database": {
    body: `sqlite.exec("create table if not exists t (n integer); insert into t values (41)");
      return sqlite.prepare("select sum(n) + 1 as n from t").get()`,
    outcome: /^returned \{"n":42\}/,
  },
  "blobs-and-log": {
    body: `log("info", "said", { n: 1 });
      return new TextDecoder().decode(await blobs.read(await blobs.write("kept")))`,
    outcome: /^returned "kept"/,
  },
  "waits": {
    body: "await new Promise((done) => setTimeout(done, 20)); return signal.aborted",
    outcome: /^returned false/,
  },
  "throws": { body: "throw new RangeError('by itself')", outcome: /^threw .*by itself/ },
  "stray": {
    body: "Promise.reject(new Error('stray')); await new Promise((done) => setTimeout(done, 20)); return 'lived'",
    outcome: /^returned "lived"/,
  },
  "nerve": { head: "import { END as end } from 'nerve';", body: "return end", outcome: /^returned "__end__"/ },
  "file": { body: "return Deno.readTextFileSync(config.outside + '/secret.txt')", outcome: refused },
  "module": { body: "return (await import(config.outside + '/module.ts')).secret", outcome: refused },
  "another-sense": { body: "return await import(config.workspace + '/senses/steady/index.ts')", outcome: refused },
  "package": { body: "return Object.keys(await import('yaml'))", outcome: refused },
  "net": { body: "return await (await fetch(`http://127.0.0.1:${config.deniedPort}/`)).text()", outcome: refused },
  "child-process": { body: "return typeof (await import('node:child_process')).spawn", outcome: refused },
  "module-builtin": {
    body: "return (await import('data:text/javascript,export * from \"node:module\"')).createRequire",
    outcome: /^(returned null|threw .*closed in the sandbox)/,
  },
  // Of everything that nerve's own code gives to a built-in nothing is a handle of SQLite, or a module that is closed.
  "handles": {
    body: `await sqlite.transaction(() => sqlite.prepare("select 1").all());
      await peers.victim?.all?.("select 1");
      return seenHandles`,
    outcome: /^returned \[\]$/,
  },
  "handles-of-roles": { body: "await blobs.write('x'); return seenHandles", outcome: /^returned \[\]$/ },
  "exit": { body: "Deno.exit(0)", outcome: /^threw .*cannot end its process/ },
  "kill": { body: "Deno.kill(Deno.ppid, 'SIGKILL')", outcome: refused },
  "environment": { body: "return Deno.env.get('EXAMPLE_KERNEL_SECRET')", outcome: refused },
  // The last: a spy that saw nothing would prove nothing.
  "spies-see": {
    body: "new Map().set(1, { registerHooks: 1 }); return seenHandles.length > 0",
    outcome: /^returned true$/,
  },
};

attackTest("computes work, and attacks do not", attacks, { realm: "spy" });
longAttackTest("attacks do not work, and nobody else is harmed", attacks, { realm: "thrower" });
