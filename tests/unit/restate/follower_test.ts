/** A daemon that was away. The bug would be: it never learns the end of a run. */
import assert from "node:assert/strict";
import { engineKeptMs, engineNotedMs } from "../../../src/base/engine_limits.ts";
import { messageOf } from "../../../src/base/errors.ts";
import type { RestateClient } from "../../../src/restate/client.ts";
import { Follower } from "../../../src/restate/follower.ts";
import { partOf } from "../../../src/restate/part_names.ts";
import type { EngineCalls } from "../../../src/workflow/cluster/ports.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const day = 24 * 3_600_000, now = Date.UTC(2026, 10, 30);

/** A run as the server lists it. */
function rowOf(runId: string, size: number, part = partOf(runId)) {
  return { id: runId, target_service_name: `nerve-${part}`, target_service_key: runId, journal_size: size };
}

/** A server with one run that ended long ago. */
function serverOf(endedAt: number) {
  const asked: string[] = [];
  const client = {
    query(sql: string) {
      asked.push(sql);
      if (sql.includes("sys_journal")) {
        // Field 5 of a step's result, and in it field 1: no changes, the run has ended.
        return Promise.resolve([{ index: 3, entry_type: "Notification: Run", raw: "08012a040a025b5d" }]);
      }
      const since = /modified_at > '([^']+)'/.exec(sql)?.[1];
      const isListed = since === undefined ? sql.includes("'old'") : endedAt > Date.parse(since);
      return Promise.resolve(isListed ? [rowOf("old", 4)] : []);
    },
  } as unknown as RestateClient;
  return { client, asked };
}

function callsOf(elsewhere: string[], followed: number | null) {
  const told: string[] = [], written: number[] = [];
  const calls = {
    isToFollow: () => true,
    listElsewhere: () => elsewhere,
    readFollowed: () => followed,
    writeFollowed: (ms: number) => void written.push(ms),
    follow: (runId: string, n: number) => Promise.resolve(void told.push(`${runId} ${n}`)),
  } as unknown as EngineCalls;
  return { calls, told, written };
}

function followerOf(client: RestateClient): Follower {
  const open = () => Promise.reject(new Error("it has no input"));
  return new Follower({ client, service: "nerve", clock: new FakeClock(now), open, report: assert.ifError });
}

Deno.test("a run that went on elsewhere is asked for by its name, however long ago it ended", async () => {
  const { client } = serverOf(now - 9 * day), { calls, told } = callsOf(["old"], now - day);
  const follower = followerOf(client);
  await follower.follow(calls);
  assert.deepEqual(told, ["old 1"]);
  await follower.follow(calls);
  assert.deepEqual(told, ["old 1"]);
});

Deno.test("runs that began and ended meanwhile are found from when this daemon last looked, which is stored", async () => {
  const { client } = serverOf(now - 9 * day), last = callsOf([], now - 10 * day);
  await followerOf(client).follow(last.calls);
  assert.deepEqual([last.told, last.written.length], [["old 1"], 1]);
  assert.ok((last.written[0] ?? 0) > now - day);
  const recent = callsOf([], now - 8 * day);
  await followerOf(client).follow(recent.calls);
  assert.deepEqual(recent.told, []);
});

Deno.test("a daemon that never looked asks for all that the server keeps", async () => {
  const { client, asked } = serverOf(now - engineKeptMs + day), { calls, told } = callsOf([], null);
  await followerOf(client).follow(calls);
  assert.deepEqual(told, ["old 1"]);
  assert.ok(asked[0]?.includes(new Date(now - engineKeptMs).toISOString()));
});

Deno.test("a run that nobody of this workspace has handed over holds up no other, and is looked at again", async () => {
  // The bug would be: an attacker posts one run to the ingress, and this daemon no longer learns of any run's end.
  const clock = new FakeClock(now), reported: string[] = [], begun: string[] = [];
  let secret = "wrong", lists = true;
  const client = {
    query(sql: string) {
      if (!sql.includes("sys_journal")) {
        const names = lists ? ["odd", "good"] : ["odd"].filter((name) => sql.includes(`'${name}'`));
        // A run with that id at a part where no daemon hands it over does not count.
        return Promise.resolve([rowOf("good", 7, partOf("good") + 1), ...names.map((name) => rowOf(name, 1))]);
      }
      const [, id = ""] = /id = '(\w+)'/.exec(sql) ?? [], value = new TextEncoder().encode(JSON.stringify(id));
      // Field 14 of an input, and in it field 1.
      const raw = new Uint8Array([14 * 8 + 2, value.length + 2, 10, value.length, ...value]).toHex();
      return Promise.resolve([{ index: 0, entry_type: "Command: Input", raw }]);
    },
  } as unknown as RestateClient;
  const { calls } = callsOf([], null);
  Object.assign(calls, { begin: (input: { readonly name: string }) => Promise.resolve(void begun.push(input.name)) });
  const open = (name: unknown) =>
    name === "odd" && secret === "wrong"
      ? Promise.reject(new Error("it has no seal"))
      : Promise.resolve({ name } as never);
  const report = (thrown: unknown) => void reported.push(messageOf(thrown));
  const follower = new Follower({ client, service: "nerve", clock, open, report });
  await follower.follow(calls);
  await follower.follow(calls);
  assert.deepEqual([begun, reported], [["good"], ["it has no seal"]]);
  // It ended long ago by now, so the server does not list it unless asked.
  secret = "right";
  lists = false;
  await clock.tick(engineNotedMs);
  await follower.follow(calls);
  assert.deepEqual(begun, ["good", "odd"]);
});

Deno.test("a journal is read in pages: many of small entries at once, few of large ones", async () => {
  // The bug would be: an answer is longer than a text may be, and a run with many large messages is never followed.
  const limits: number[] = [], size = (index: number) => index < 2 ? 4_100_000 : 2;
  const client = {
    query(sql: string) {
      if (!sql.includes("sys_journal")) {
        return Promise.resolve([rowOf("r", 110)]);
      }
      const [, from, limit] = /index >= (\d+) .* limit (\d+)$/.exec(sql)?.map(Number) ?? [];
      limits.push(limit ?? 0);
      const indexes = Array.from({ length: 110 }, (_, index) => index).filter((index) => index >= (from ?? 0));
      // A text of spaces before the empty list.
      const rows = indexes.slice(0, limit).map((index) => {
        const list = new TextEncoder().encode(`${" ".repeat(size(index))}[]`);
        const inner = [10, ...varint(list.length)], outer = inner.length + list.length;
        const head = [8, ...varint(index + 1), 42, ...varint(outer), ...inner];
        return { index, entry_type: "Notification: Run", raw: new Uint8Array(head).toHex() + list.toHex() };
      });
      return Promise.resolve(rows);
    },
  } as unknown as RestateClient;
  const { calls, told } = callsOf([], null);
  await followerOf(client).follow(calls);
  assert.deepEqual(told, Array.from({ length: 110 }, (_, index) => `r ${index + 1}`));
  assert.deepEqual(limits, [2, 1, 4, 16, 64, 256]);
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
}

Deno.test("runs of a workspace whose service begins with the same name are none of this one's", async () => {
  const { client, asked } = serverOf(now), { calls } = callsOf([], null);
  await followerOf(client).follow(calls);
  assert.match(asked[0] ?? "", /target_service_name in \('nerve-0', .*'nerve-11'\)/);
});
