/** The danger: a delivery that is known is taken for a new one. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hooksMigration } from "../../../src/store/log/hooks_schema.ts";
import { NewKeys } from "../../../src/store/hooks/new_keys.ts";
import { StatementCache } from "../../../src/store/sqlite/database.ts";
import fc from "../../support/fast_check.ts";

class Table {
  readonly #db = new DatabaseSync(":memory:");
  readonly #statements = new StatementCache(this.#db);
  #settle = Promise.withResolvers<void>();
  readonly coming = new Set<string>();
  readonly newKeys: NewKeys;

  constructor(onDisk: readonly string[], sizes: { step: number; max: number }) {
    this.#db.exec(hooksMigration);
    for (const key of onDisk) this.#insert(key);
    const durable = () => this.coming.size === 0 ? Promise.resolve() : this.#settle.promise;
    this.newKeys = new NewKeys(this.#statements, durable, sizes);
  }

  write(key: string): void {
    if (this.coming.has(key) || this.has(key)) return;
    this.newKeys.add([key]);
    this.coming.add(key);
  }

  /** Some of what is on its way to the disk arrives. */
  async commit(lost: number): Promise<void> {
    const { promise, resolve, reject } = this.#settle, keys = [...this.coming];
    for (const key of keys.slice(lost)) this.#insert(key);
    this.coming.clear();
    this.#settle = Promise.withResolvers<void>();
    promise.catch(() => {});
    if (lost > 0) reject(new Error("some are lost"));
    else resolve();
    await new Promise((turned) => setTimeout(turned));
  }

  has(key: string): boolean {
    return this.#statements.get("select 1 from hook_keys where key = ?").get(key) !== undefined;
  }

  #insert(key: string): void {
    this.#statements.get("insert into hook_keys values (?, 1, 1)").run(key);
  }
}

const key = fc.integer({ min: 0, max: 60 }).map((n) => `key ${n}`);

Deno.test("a key that is on the disk, or on its way there, is never called new, whatever came before", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("write" as const), key }),
    fc.record({ kind: fc.constant("ask" as const), key }),
    fc.record({ kind: fc.constant("commit" as const), lost: fc.constantFrom(0, 0, 0, 1) }),
  );
  const sizes = fc.record({ step: fc.integer({ min: 1, max: 5 }), max: fc.integer({ min: 1, max: 90 }) });
  let called = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key), sizes, fc.array(step, { maxLength: 60 }), async (old, by, steps) => {
      const table = new Table(old, by);
      for (const each of steps) {
        if (each.kind === "commit") await table.commit(each.lost);
        else if (each.kind === "write") table.write(each.key);
        else if (table.newKeys.isNew(each.key)) {
          called++;
          assert.ok(!table.has(each.key) && !table.coming.has(each.key), each.key);
        }
      }
    }),
  );
  assert.ok(called > 0);
});

Deno.test("once it has learned the table, nearly every new key is called new, also after it began anew", async () => {
  const table = new Table(["a", "b"], { step: 1, max: 10 });
  const ask = () => ["a", "b", "c", "d"].map((key) => table.newKeys.isNew(key));
  ask();
  await table.commit(0);
  ask();
  assert.deepEqual(ask(), [false, false, true, true]);
  for (let n = 0; n < 12; n++) table.write(`more ${n}`);
  assert.equal(table.newKeys.isNew("d"), false, "it begins anew");
  await table.commit(0);
  for (let n = 0; n < 6; n++) ask();
  assert.deepEqual([...ask(), table.newKeys.isNew("more 3")], [false, false, true, true, false]);
});
