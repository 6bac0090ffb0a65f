/**
 * What a server keeps of runs, read from rows as its SQL interface gives them. Danger: a change of a run that is not
 * seen, and a hostile name or entry that reads as something else.
 */
import assert from "node:assert/strict";
import { findKept, type JournalEntry, listKept, readJournal } from "../../../src/restate/journal.ts";
import type { RestateClient } from "../../../src/restate/client.ts";
import { nameParts, partOf } from "../../../src/restate/part_names.ts";
import fc from "../../support/fast_check.ts";

type Row = Readonly<Record<string, unknown>>;

/** A server that answers each query with these rows; `asked`: the queries. */
function serverOf(answer: (sql: string) => readonly Row[]) {
  const asked: string[] = [];
  const client = {
    query(sql: string) {
      asked.push(sql);
      return Promise.resolve(answer(sql));
    },
  } as unknown as RestateClient;
  return { client, asked };
}

function rowOf(runId: string, part = partOf(runId)): Row {
  return { id: `inv_${runId}`, target_service_name: `nerve-${part}`, target_service_key: runId, journal_size: "4" };
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

/** A field with a length: its tag has the kind 2. */
const withLength = (
  number: number,
  bytes: readonly number[],
) => [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
const withNumber = (number: number, value: number) => [...varint(number * 8), ...varint(value)];
const json = (value: unknown) => [...new TextEncoder().encode(JSON.stringify(value))];
const hex = (bytes: readonly number[]) => new Uint8Array(bytes).toHex();

const inputOf = (value: unknown) =>
  hex([...withNumber(1, 3), ...withLength(14, [...withNumber(9, 1), ...withLength(1, json(value))])]);
const stepOf = (n: number, changes: unknown) =>
  hex([...withNumber(1, n), ...withLength(5, withLength(1, json(changes)))]);
const input = (index: number, raw: string): Row => ({ index, entry_type: "Command: Input", raw });
const step = (index: number, raw: string): Row => ({ index, entry_type: "Notification: Run", raw });

/** What is read of a journal with these rows. */
async function read(rows: readonly Row[], from = 0): Promise<JournalEntry[]> {
  const { client } = serverOf((sql) => {
    const [, first = 0, limit = 0] = /index >= (\d+) .* limit (\d+)$/.exec(sql)?.map(Number) ?? [];
    return rows.filter(({ index }) => Number(index) >= first).slice(0, limit);
  });
  return await Array.fromAsync(readJournal(client, { invocation: "inv_r", runId: "r", size: rows.length }, from));
}

Deno.test("runs are listed with their invocation and the size of their journal, of this service's parts alone", async () => {
  const { client, asked } = serverOf(() => [rowOf("r")]);
  assert.deepEqual(await listKept(client, "nerve", 1_700_000_000_000), [{ invocation: "inv_r", runId: "r", size: 4 }]);
  const [sql = ""] = asked;
  assert.ok(sql.includes(nameParts("nerve").map((name) => `'${name}'`).join(", ")), sql);
  assert.ok(sql.endsWith("(status <> 'completed' or modified_at > '2023-11-14T22:13:20.000Z')"), sql);
});

Deno.test("a run at a part to which no daemon hands it is no run", async () => {
  const { client } = serverOf(
    () => [rowOf("a", partOf("a") + 1), rowOf("b"), { ...rowOf("c"), target_service_name: null }],
  );
  assert.deepEqual((await listKept(client, "nerve", 0)).map(({ runId }) => runId), ["b"]);
});

Deno.test("runs are looked for by their names, two hundred at a time, and no name ends its quotes", async () => {
  const names = ["it's", "'); drop", ...Array.from({ length: 399 }, (_, n) => `r${n}`)];
  const { client, asked } = serverOf((sql) =>
    names.slice(-2).filter((name) => sql.includes(`'${name}'`)).map((name) => rowOf(name))
  );
  assert.deepEqual((await findKept(client, "nerve", names)).map(({ runId }) => runId), ["r397", "r398"]);
  assert.deepEqual(asked.map((sql) => sql.match(/target_service_key in \(.*/)?.[0].split(", ").length), [200, 200, 1]);
  assert.ok(asked[0]?.includes("target_service_key in ('it''s', '''); drop', 'r0'"));
  assert.deepEqual([await findKept(client, "nerve", []), asked.length], [[], 3], "for no names nothing is asked");
});

Deno.test("an input and the changes of steps are read, among fields that do not matter", async () => {
  const changes = [{ t: "ä\ud83d\ude00" }],
    entries = await read([input(0, inputOf({ a: [1] })), step(3, stepOf(300, changes))]);
  assert.deepEqual(entries, [{ index: 0, input: { a: [1] } }, { index: 3, n: 300, changes }]);
});

Deno.test("an entry without the value that it should have is left out, and those after it are read", async () => {
  const entries = await read([
    input(0, ""),
    input(1, hex(withLength(14, withNumber(1, 5)))),
    step(2, hex(withLength(5, withLength(1, json([]))))),
    step(3, hex(withNumber(1, 4))),
    step(4, hex([...withLength(1, [4]), ...withLength(5, withLength(1, json([])))])),
    // A fixed number, which no message of Restate has here.
    step(5, hex([1 * 8 + 1, 0, 0, 0, 0, 0, 0, 0, 0, ...withNumber(1, 9), ...withLength(5, withLength(1, json([])))])),
    step(6, stepOf(7, [])),
  ]);
  assert.deepEqual(entries, [{ index: 6, n: 7, changes: [] }]);
});

Deno.test("of a field that comes twice the first one counts", async () => {
  const twice = withLength(14, [...withLength(1, json("first")), ...withLength(1, json("second"))]);
  assert.deepEqual(await read([input(0, hex([...twice, ...withLength(14, withLength(1, json("third")))]))]), [
    { index: 0, input: "first" },
  ]);
});

Deno.test("a value that is no JSON is an error, not a change", async () => {
  await assert.rejects(
    read([step(0, hex([...withNumber(1, 1), ...withLength(5, withLength(1, [0xff, 0x7b]))]))]),
    SyntaxError,
  );
});

Deno.test("a journal of any length is read from any index on, each entry once and in order", async () => {
  await fc.assert(fc.asyncProperty(fc.nat(40), fc.nat(45), async (length, from) => {
    const rows = Array.from({ length }, (_, index) => step(index * 2, stepOf(index, [index])));
    const indexes = (await read(rows, from)).map(({ index }) => index);
    assert.deepEqual(indexes, rows.map(({ index }) => Number(index)).filter((index) => index >= from));
  }));
});

Deno.test("any bytes are an entry, none, or an error, and reading them ends", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.boolean(), async (bytes, isInput) => {
    const raw = bytes.toHex();
    await read([isInput ? input(0, raw) : step(0, raw)]).catch((thrown) => assert.ok(thrown instanceof SyntaxError));
  }));
  // A number without an end, larger than any that there is.
  assert.deepEqual(await read([input(0, "ff".repeat(500)), step(1, `08${"80".repeat(500)}`)]), []);
});
