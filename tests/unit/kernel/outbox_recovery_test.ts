/**
 * After a death, senses whose database was left open are loaded, a few at a time. The test plays the processes. Danger:
 * a value that waits for the next tick of an hourly sense, or a start of a thousand processes at once.
 */
import assert from "node:assert/strict";
import { recoveredAtOnceMax } from "../../../src/base/limits.ts";
import type { CurrentConfig } from "../../../src/deploy/current_config.ts";
import { OutboxRecovery } from "../../../src/kernel/outbox_recovery.ts";
import type { UnitSupervisor } from "../../../src/process/unit_supervisor.ts";
import type { ToProcess } from "../../../src/protocol/message.ts";
import { groupKey } from "../../../src/protocol/unit.ts";

async function setUp(senses: number) {
  const databases = await Deno.makeTempDir({ prefix: "nerve-test-" }), loaded: string[] = [], down = new Set<string>();
  const names = Array.from({ length: senses }, (_, index) => `s${index}`);
  for (const name of names) Deno.writeTextFileSync(`${databases}/${name}.db-wal`, "pages");
  const config = { senses: new Map(names.map((name) => [name, { group: name }])) };
  const process = { send: (message: ToProcess) => void loaded.push(message.t === "load" ? message.sense : message.t) };
  const supervisor = { getOrStartProcess: (key: string) => down.has(key) ? null : process, release: () => {} };
  const recovery = new OutboxRecovery({
    current: { config } as unknown as CurrentConfig,
    supervisor: supervisor as unknown as UnitSupervisor,
    senses: { allowDelivery: () => null },
    databases,
  });
  return { databases, loaded, down, names, recovery };
}

Deno.test("only senses whose database was left open are loaded, a few at a time", async () => {
  const { databases, names, loaded, recovery } = await setUp(10);
  Deno.removeSync(`${databases}/s3.db-wal`);
  Deno.writeTextFileSync(`${databases}/s4.db-wal`, "");
  recovery.recover(names);
  assert.deepEqual(loaded, ["s0", "s1", "s2", "s5"]);
  assert.equal(loaded.length, recoveredAtOnceMax);
  recovery.onLoaded("s1");
  recovery.onLoaded("s1");
  assert.deepEqual(loaded.slice(4), ["s6"]);
  recovery.onEnd(groupKey("s0"), false);
  for (const name of names) recovery.onLoaded(name);
  assert.deepEqual(loaded.slice(5), ["s7", "s8", "s9"]);
  await Deno.remove(databases, { recursive: true });
});

Deno.test("a sense is loaded again after its process died, not after it ended, and not while it may not start", async () => {
  const { databases, names, loaded, down, recovery } = await setUp(1), unit = groupKey("s0");
  recovery.onEnd(unit, false);
  recovery.onAvailable(unit, names);
  assert.deepEqual(loaded, []);
  recovery.onEnd(unit, true);
  recovery.onAvailable(unit, names);
  recovery.onAvailable(unit, names);
  assert.deepEqual(loaded, ["s0"]);
  recovery.onEnd(unit, true);
  down.add(unit);
  recovery.onAvailable(unit, names);
  assert.deepEqual(loaded, ["s0"]);
  await Deno.remove(databases, { recursive: true });
});
