import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import {
  createLock,
  findGrowth,
  formatGrowth,
  formatLock,
  parseLock,
  type PermissionLock,
} from "../../../src/config/permissions/lock_file.ts";

function lock(yaml: string): PermissionLock {
  const parsed = parseNerveConfig(yaml, "nerve.yaml");
  if (!parsed.ok) assert.fail(JSON.stringify(parsed.error));
  return createLock(parsed.value.config);
}

function grown(before: string, after: string): string[] {
  return findGrowth(lock(before), lock(after)).map((growth) => `${growth.path.join(".")}: ${formatGrowth(growth)}`);
}

const a = (permissions: string) => `senses: { a: { permissions: ${permissions} } }`;

Deno.test("a lock is read back as it was written", () => {
  const made = lock(a("{ read: [/proc, /etc], net: true }"));
  assert.deepEqual(parseLock(formatLock(made)), { ok: true, value: made });
  assert.ok(!parseLock("{").ok && !parseLock("[]").ok && !parseLock('{"version":2,"senses":{},"workflows":{}}').ok);
});

Deno.test("permissions that are equal to, fewer than or inside the accepted ones have not grown", () => {
  assert.deepEqual(grown(a("{ read: [/proc, /etc] }"), a("{ read: [/etc, /proc] }")), []);
  assert.deepEqual(grown(a("{ read: [/proc, /etc], run: [df] }"), a("{ read: [/etc] }")), []);
  assert.deepEqual(grown(a("{ read: [/proc] }"), a("{ read: [/proc/stat] }")), []);
  assert.deepEqual(grown(a("{ net: true }"), a("{ net: [example.com] }")), []);
  assert.deepEqual(grown(a("{}"), "senses: { a: {}, b: {} }"), [], "a new sense without permissions");
});

Deno.test("more values, more permissions, or everything instead of a list have grown", () => {
  assert.deepEqual(grown(a("{ read: [/proc] }"), a("{ read: [/proc, /etc] }")), [
    'senses.a.permissions.read: read "/etc"',
  ]);
  assert.equal(grown(a("{ read: [/proc] }"), a("{ read: [/process] }")).length, 1, "a neighbour is not inside");
  assert.equal(grown(a("{ read: [/proc] }"), a("{ read: [/proc/../etc] }")).length, 1);
  assert.match(grown(a("{ net: [example.com] }"), a("{ net: true }"))[0] ?? "", /net everything$/);
  assert.match(
    grown(a("{}"), "senses: { a: {}, b: { permissions: { run: [df] } } }")[0] ?? "",
    /^senses\.b.*run "df"$/,
  );
  assert.match(
    grown("workflows: { w: {} }", "workflows: { w: { permissions: { env: [X] } } }")[0] ?? "",
    /^workflows\.w/,
  );
});

Deno.test("permissions that a sense gains through its group, and new peers, have grown too", () => {
  const apart = "senses: { a: { permissions: { run: [df] } }, b: {} }";
  const together = "senses: { a: { group: g, permissions: { run: [df] } }, b: { group: g } }";
  assert.deepEqual(grown(apart, together), ['senses.b.permissions.run: run "df"']);
  assert.deepEqual(grown("senses: { a: { peers: [] }, b: {} }", "senses: { a: { peers: [b] }, b: {} }"), [
    'senses.a.peers: peers "b"',
  ]);
});

Deno.test("what one sense of a group may read, each of its senses may, and each other's databases too", () => {
  // The bug was: a sense that read no peers was moved into the group of one that reads all, and did not count as grown.
  const apart = "senses: { a: { peers: [] }, b: { peers: [c] }, c: { peers: [] } }";
  const together = "senses: { a: { group: g, peers: [] }, b: { group: g, peers: [c] }, c: { peers: [] } }";
  assert.deepEqual(grown(apart, together), ['senses.a.peers: peers "b", "c"', 'senses.b.peers: peers "a"']);
});

Deno.test("a sense may have the name of a property that every object has", () => {
  const named = "senses: { constructor: { permissions: { run: [df] } } }";
  assert.deepEqual(grown("senses: {}", named), ['senses.constructor.permissions.run: run "df"']);
});

Deno.test("unconfined has grown, also when a sense gains it through its group; without it nothing has", () => {
  const confined = a("{ run: [df] }"), open = a("{ run: [df], unconfined: true }");
  assert.deepEqual(grown(confined, open), ["senses.a.permissions.unconfined: unconfined"]);
  assert.deepEqual(grown(open, confined), []);
  assert.deepEqual(grown(open, a("{ run: [df], unconfined: false }")), []);
  const made = lock(open);
  assert.deepEqual(parseLock(formatLock(made)), { ok: true, value: made });
  const apart = "senses: { a: { permissions: { unconfined: true } }, b: {} }";
  const together = "senses: { a: { group: g, permissions: { unconfined: true } }, b: { group: g } }";
  assert.deepEqual(grown(apart, together), ["senses.b.permissions.unconfined: unconfined"]);
});

Deno.test("an agent is agreed to as it is: another program, argument or variable under its name has grown", () => {
  const file = (agent: string) =>
    `agents: { x: { protocol: command, confine: none, ${agent} } }\nworkflows: { w: { agents: [x] } }`;
  const before = file("command: [claude]");
  assert.deepEqual(grown(before, before), []);
  assert.deepEqual(grown(before, "workflows: { w: {} }"), []);
  assert.deepEqual(grown("workflows: { w: {} }", before), [
    'workflows.w.agents: agents "x: command ["claude"], confine ["none"]"',
  ]);
  for (const other of ["command: [curl]", "command: [claude, -x]", "command: [claude], env: [KEY]"]) {
    assert.equal(grown(before, file(other)).length, 1, other);
  }
  assert.equal(grown(before, file("command: [claude], max_sessions: 9")).length, 0);
  const held = "agents: { x: { protocol: command, command: [claude] } }\nworkflows: { w: { agents: [x] } }";
  assert.equal(grown(held, before).length, 1);
  assert.equal(grown(held, held.replace("[claude]", "[claude], read: [/srv]")).length, 1);
  const made = lock(before);
  assert.deepEqual(parseLock(formatLock(made)), { ok: true, value: made });
});
