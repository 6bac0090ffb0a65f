/** A daemon that was away: what the bug would look like is a run whose end it never learns. */
import assert from "node:assert/strict";
import { engineKeptMs } from "../../../src/base/engine_limits.ts";
import type { RestateClient } from "../../../src/restate/client.ts";
import { Follower } from "../../../src/restate/follower.ts";
import type { EngineCalls } from "../../../src/workflow/cluster/ports.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const day = 24 * 3_600_000, now = Date.UTC(2026, 10, 30);

/** A server with one run that ended long ago. */
function serverOf(endedAt: number) {
  const asked: string[] = [];
  const client = {
    query(sql: string) {
      asked.push(sql);
      if (sql.includes("sys_journal")) {
        // Field 5 of a step's result, and in it field 1: no changes, the run is over.
        return Promise.resolve([{ index: 3, entry_type: "Notification: Run", raw: "08012a040a025b5d" }]);
      }
      const since = /modified_at > '([^']+)'/.exec(sql)?.[1];
      const isListed = since === undefined ? sql.includes("'old'") : endedAt > Date.parse(since);
      return Promise.resolve(isListed ? [{ id: "inv_1", target_service_key: "old", journal_size: 4 }] : []);
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
  return new Follower({ client, service: "nerve", clock: new FakeClock(now), open });
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
