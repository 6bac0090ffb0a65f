/** Which daemon serves which part of an engine's runs. */
import assert from "node:assert/strict";
import { engineParts } from "../../../src/base/engine_limits.ts";
import type { Deployment } from "../../../src/restate/client.ts";
import { nameParts, partOf } from "../../../src/restate/part_names.ts";
import { daemonOf, ownersOf, planParts } from "../../../src/restate/part_assignment.ts";

const names = nameParts("nerve"), [a, b, c] = ["http://a:1", "http://b:1", "http://c:1"] as const;

/** Daemons take turns until nothing moves; returns how many parts each has. */
function settle(owners: (Deployment | null)[], daemons: readonly string[], gone: readonly string[] = []): number[] {
  for (let looks = 0; looks < 50; looks++) {
    const endpoint = daemons[looks % daemons.length] ?? a;
    for (const { part, uri, move } of planParts(endpoint, owners, (daemon) => gone.includes(daemon))) {
      assert.equal(owners[part]?.id ?? null, move);
      owners[part] = { id: move ?? `dp_${part}`, uri, services: [{ name: names[part] ?? "", revision: 1 }] };
    }
  }
  return daemons.map((daemon) => owners.filter((owner) => owner !== null && daemonOf(owner) === daemon).length);
}

Deno.test("the first daemon takes all parts, others get their share, and those of a dead one are shared", () => {
  const owners: (Deployment | null)[] = names.map(() => null);
  assert.deepEqual(settle(owners, [a]), [engineParts]);
  assert.deepEqual(settle(owners, [a, b]), [6, 6]);
  assert.deepEqual(settle(owners, [a, b, c]), [4, 4, 4]);
  assert.deepEqual(settle(owners, [a, c], [b]).reduce((sum, count) => sum + count), engineParts);
  assert.ok(settle(owners, [a, c], [b]).every((count) => count >= 5));
});

Deno.test("a daemon that takes itself for gone keeps what it has", () => {
  const owners: (Deployment | null)[] = names.map(() => null);
  settle(owners, [a]);
  assert.deepEqual(planParts(a, owners, () => true), []);
});

Deno.test("the newest revision of a service says where its part is", () => {
  const at = (uri: string, revision: number) => ({ id: uri, uri, services: [{ name: names[0] ?? "", revision }] });
  const [first, second] = ownersOf(names, [at(`${a}/part-0/`, 2), at(`${b}/part-0/`, 3), at(`${c}/part-0/`, 1)]);
  assert.deepEqual([first?.id, second], [`${b}/part-0/`, null]);
});

Deno.test("runs are spread evenly over the parts", () => {
  const counts = Array.from({ length: engineParts }, () => 0);
  for (let run = 0; run < 1_200; run++) {
    const part = partOf(`run-${run}`);
    counts[part] = (counts[part] ?? 0) + 1;
  }
  assert.ok(counts.every((count) => count > 50 && count < 160), counts.join());
});
