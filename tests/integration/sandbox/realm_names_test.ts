/** Every name of the realm is judged, and each verdict holds in a real sandbox. */
import assert from "node:assert/strict";
import { ownExternals } from "../../../src/sandbox/module_gate.ts";
import { type Access, denoNames, globalNames, navigatorNames, processNames } from "../../../src/sandbox/realm_names.ts";
import { fromFileUrl } from "../../support/paths.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const objects: Readonly<Record<string, Readonly<Record<string, Access>>>> = {
  globalThis: globalNames,
  Deno: denoNames,
  process: processNames,
  "Object.getPrototypeOf(navigator)": navigatorNames,
};

/** By name: whether it can be replaced, and what a call gives. Nothing that is open is called. */
const look = (object: string, names: Readonly<Record<string, Access>>): string =>
  `export function compute() {
  const object = ${object}, closed = ${JSON.stringify(Object.keys(names).filter((key) => names[key] !== "open"))};
  const found = {};
  for (const key of Object.getOwnPropertyNames(object)) {
    const { configurable, writable, value } = Object.getOwnPropertyDescriptor(object, key);
    let answer = null;
    if (closed.includes(key) && typeof value === "function") {
      try { answer = String(value()); } catch (thrown) { answer = thrown.name + ": " + thrown.message; }
    }
    found[key] = { pinned: !configurable && !writable, type: typeof value, answer };
  }
  return found;
}`;

interface Found {
  readonly pinned: boolean;
  readonly type: string;
  readonly answer: string | null;
}

Deno.test("every global and every name of Deno, process and navigator is open, pinned or denied, and stays so", async () => {
  const names = Object.keys(objects), senses: Record<string, string> = {};
  for (const [at, [object, list]] of Object.entries(objects).entries()) senses[`s${at}`] = look(object, list);
  await using workspace = await startWorkspace({ senses });
  for (const [at, object] of names.entries()) {
    const found = await workspace.payload(`s${at}`) as unknown as Record<string, Found>;
    const keys = Object.keys(found), list = objects[object] ?? {};
    assert.ok(keys.length > 5, object);
    assert.deepEqual(keys.filter((key) => list[key] === undefined), [], `judge these of ${object} in realm_names.ts`);
    for (const [key, { pinned, type, answer }] of Object.entries(found)) {
      const access = list[key], name = `${object}.${key}`;
      if (access !== "open") assert.ok(pinned, `${name} can be replaced`);
      if (access !== "denied" || type === "undefined") continue;
      assert.match(answer ?? "", /^NotCapable: .*closed in the sandbox/, name);
    }
  }
});

Deno.test("nerve's own modules import no more than the gate's list, and it lists nothing else", async () => {
  // What is loaded when user code can run already.
  const found = await findExternals(["sdk/mod.ts", "store/sqlite/drizzle.ts", "sandbox/modules/fs.ts"]);
  assert.deepEqual(found, [...ownExternals].sort());
});

Deno.test("no sandbox loads zod, which takes 12 MiB, before user code asks for it", async () => {
  const found = await findExternals([
    "sandbox/worker_main.ts",
    "sandbox/sense_runtime.ts",
    "sandbox/workflow_runtime.ts",
  ]);
  assert.ok(found.includes("node:sqlite") && !found.includes("zod"), found.join(" "));
});

/** What these modules, and what they load of nerve, import from elsewhere. */
async function findExternals(entries: readonly string[]): Promise<string[]> {
  const root = new URL("../../../src/", import.meta.url).href, found = new Set<string>();
  for (const entry of entries) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "-c", fromFileUrl(new URL("../deno.json", root)), fromFileUrl(new URL(entry, root))],
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout)) as {
      modules: { specifier: string; dependencies?: { specifier: string; code?: { specifier?: string } }[] }[];
    };
    const known = new Map(modules.map(({ specifier, dependencies = [] }) => [specifier, dependencies]));
    const reached = new Set([new URL(entry, root).href]);
    for (const module of reached) {
      for (const { specifier, code } of known.get(module) ?? []) {
        // Types are gone by then.
        if (code?.specifier === undefined) continue;
        if (code.specifier.startsWith(root)) reached.add(code.specifier);
        else found.add(specifier);
      }
    }
  }
  return [...found].sort();
}
