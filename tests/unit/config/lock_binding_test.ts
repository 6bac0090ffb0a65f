import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { bindToLock, type BoundConfig, describeHold } from "../../../src/config/permissions/lock_binding.ts";
import { createLock, emptyLock, findGrowth } from "../../../src/config/permissions/lock_file.ts";
import type { NerveConfig } from "../../../src/config/types.ts";
import fc from "../../support/fast_check.ts";

function read(yaml: string): NerveConfig {
  const parsed = parseNerveConfig(yaml, "nerve.yaml");
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.error));
  return parsed.value.config;
}

const started = (yaml: string): BoundConfig => ({ config: read(yaml), holds: [], heldApprovers: null });
const groupsOf = ({ config }: BoundConfig) =>
  [...config.senses.values()].map(({ name, group }) => `${name} in ${group}`);
const holdsOf = ({ holds }: BoundConfig) => holds.map(({ name, unit, runs, excess }) => ({ name, unit, runs, excess }));

Deno.test("without a lock, and within it, a configuration is bound to nothing", () => {
  const config = read("senses: { a: { permissions: { run: [df] } } }");
  assert.deepEqual(bindToLock(config, null, null), { config, holds: [], heldApprovers: null });
  assert.deepEqual(holdsOf(bindToLock(config, null, createLock(config))), []);
});

Deno.test("a group that asks for more keeps its previous version, all of its senses, and nothing else is held", () => {
  const before = started("senses: { a: { group: g, timeout: 1s }, b: { group: g }, c: {} }");
  const bound = bindToLock(
    read("senses: { a: { group: g, timeout: 2s }, b: { group: g, permissions: { run: [df] } }, c: { timeout: 3s } }"),
    before,
    createLock(before.config),
  );
  assert.deepEqual(bound.config.senses.get("a"), before.config.senses.get("a"));
  assert.deepEqual(bound.config.senses.get("b"), before.config.senses.get("b"));
  assert.equal(bound.config.senses.get("c")?.timeoutMs, 3_000);
  assert.deepEqual(holdsOf(bound), [
    { name: "a", unit: "group:g", runs: true, excess: 'run "df"' },
    { name: "b", unit: "group:g", runs: true, excess: 'run "df"' },
  ]);
});

Deno.test("at a start, and without a version that fits, a unit must not run", () => {
  const config = read(
    "senses: { a: { permissions: { net: true } }, b: {} }\nworkflows: { w: { permissions: { run: [df] } } }",
  );
  const bound = bindToLock(config, null, emptyLock);
  assert.deepEqual(bound.config, config, "it is there, with its schedule");
  assert.deepEqual(holdsOf(bound), [
    { name: "a", unit: "group:a", runs: false, excess: "net everything" },
    { name: "w", unit: "workflow:w", runs: false, excess: 'run "df"' },
  ]);
  assert.match(bound.holds.map(describeHold).join(), /^does not run: .*nerve permissions approve/);
  // Code that does not run is not a previous version.
  assert.deepEqual(holdsOf(bindToLock(config, bound, emptyLock)), holdsOf(bound));
});

Deno.test("a sense that is moved to another group, and gains by it, stays in its old one", () => {
  const before = started("senses: { a: { group: one, permissions: { run: [df] } }, b: { group: two, peers: [] } }");
  const lock = createLock(before.config);
  const bound = bindToLock(
    read("senses: { a: { group: one, permissions: { run: [df] } }, b: { group: one, peers: [] } }"),
    before,
    lock,
  );
  assert.deepEqual(groupsOf(bound), ["a in one", "b in two"]);
  assert.deepEqual(holdsOf(bound).map(({ name, unit }) => [name, unit]), [["b", "group:two"]]);
});

Deno.test("a new sense of a held group waits apart from it, with its schedule", () => {
  const before = started("senses: { a: { group: g, permissions: { run: [df] } } }");
  const bound = bindToLock(
    read("senses: { a: { group: g, permissions: { run: [df] } }, b: { group: g } }"),
    before,
    createLock(before.config),
  );
  assert.deepEqual(groupsOf(bound), ["a in g", "b in g.held"]);
  assert.deepEqual(holdsOf(bound), [{ name: "b", unit: "group:g.held", runs: false, excess: 'run "df"' }]);
});

Deno.test("a lock that shrank ends what exceeds it; what was removed is gone, held or not", () => {
  const yaml = "senses: { a: { permissions: { run: [df] } }, b: {} }";
  const bound = bindToLock(read(yaml), started(yaml), emptyLock);
  assert.deepEqual(holdsOf(bound).map(({ name, runs }) => [name, runs]), [["a", false]]);
  const less = bindToLock(read("senses: { b: {} }"), bound, emptyLock);
  assert.deepEqual([groupsOf(less), holdsOf(less)], [["b in b"], []]);
});

Deno.test("whatever is asked for after whatever, nothing that may run exceeds the lock, and no sense is missing", () => {
  const names = ["a", "b", "c", "d"];
  const sense = fc.record({
    group: fc.constantFrom("one", "two", "three"),
    run: fc.subarray(["df", "ps", "ip"]),
    peers: fc.constantFrom(null, [], ["a"]),
  });
  const file = fc.dictionary(fc.constantFrom(...names), sense, { maxKeys: 4 });
  const toConfig = (senses: Record<string, { group: string; run: string[]; peers: readonly string[] | null }>) =>
    read(JSON.stringify({
      senses: Object.fromEntries(
        names.filter((name) => Object.hasOwn(senses, name)).map((name) => {
          const { group, run, peers } = senses[name] ?? { group: "one", run: [], peers: null };
          const known = peers?.filter((peer) => peer !== name && Object.hasOwn(senses, peer));
          return [name, { group, permissions: { run }, ...known !== undefined && { peers: known } }];
        }),
      ),
    }));
  fc.assert(fc.property(file, fc.array(file, { maxLength: 4 }), (agreed, edits) => {
    const lock = createLock(toConfig(agreed));
    let bound: BoundConfig | null = null;
    for (const edit of edits) {
      const wanted = toConfig(edit);
      bound = bindToLock(wanted, bound, lock);
      const down = new Set(bound.holds.filter(({ runs }) => !runs).map(({ unit }) => unit));
      const running = [...bound.config.senses].filter(([, { group }]) => !down.has(`group:${group}`));
      assert.deepEqual(findGrowth(lock, createLock({ ...wanted, senses: new Map(running) })), []);
      assert.deepEqual([...bound.config.senses.keys()], [...wanted.senses.keys()]);
      for (const { group } of bound.config.senses.values()) assert.ok(bound.config.groups.has(group));
      if (findGrowth(lock, createLock(wanted)).length === 0) {
        assert.deepEqual(bound, { config: wanted, holds: [], heldApprovers: null });
      }
    }
  }));
});
