/** The processes that a configuration requires. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { planUnits } from "../../../src/deploy/unit_plans.ts";

function unitsOf(yaml: string) {
  const parsed = parseNerveConfig(yaml);
  assert.ok(parsed.ok, parsed.ok ? "" : JSON.stringify(parsed.error));
  return planUnits(parsed.value.config, workspacePaths("/w"));
}

Deno.test("each group that has a sense and each workflow is a unit, groups first", () => {
  const units = unitsOf(
    "senses: { a: { group: g }, b: { group: g }, c: {} }\ngroups: { empty: {} }\nworkflows: { c: {} }\n",
  );
  assert.deepEqual(units.map(({ key }) => key).sort(), ["group:c", "group:g", "workflow:c"]);
  assert.equal(units.at(-1)?.key, "workflow:c");
  assert.deepEqual(units.find(({ key }) => key === "group:g")?.spec.senses.map(({ name }) => name), ["a", "b"]);
});

Deno.test("a process is kept alive when one of its senses requests it; the process of a workflow never is", () => {
  const units = unitsOf("senses: { a: { group: g }, b: { group: g, keep_alive: true } }\nworkflows: { w: {} }\n");
  assert.deepEqual(units.map(({ keepAlive }) => keepAlive), [true, false]);
});

Deno.test("a group gets only the packages that its senses name, each once, and may import nothing else", () => {
  const [none] = unitsOf("senses: { a: {} }\n");
  assert.deepEqual([none?.spec.modules.packages, none?.request.remoteImports], [[], false]);
  const [some] = unitsOf(
    "senses: { a: { group: g, permissions: { import: ['npm:ms'] } }, b: { group: g, permissions: { import: ['npm:ms', 'esm.sh'] } } }\n",
  );
  assert.deepEqual(some?.spec.modules.packages, ["npm:ms"]);
  assert.deepEqual(some?.request.remoteImports, ["esm.sh"]);
  const [all] = unitsOf("senses: { a: { permissions: { import: true } } }\n");
  assert.deepEqual([all?.spec.modules.packages, all?.request.remoteImports], [true, true]);
});

Deno.test("a disk quota counts every file of every database of the group, and exists only when configured", () => {
  const [free] = unitsOf("senses: { a: {} }\n");
  assert.equal(free?.request.disk, null);
  const [bound] = unitsOf("senses: { a: { group: g }, b: { group: g } }\ngroups: { g: { disk: 2MiB } }\n");
  assert.equal(bound?.request.disk?.limitBytes, 2 * 1024 ** 2);
  for (const name of ["a", "b"]) {
    for (const ending of ["", "-wal"]) {
      assert.ok(bound?.request.disk?.files.includes(`/w/data/senses/${name}.db${ending}`));
    }
  }
});
