/**
 * kill -9 of the daemon while deliveries come in. Danger: one that was answered with 202, and that no compute ever hears; or
 * one that is taken a second time when its sender tries again.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { makeProof } from "../../../src/hooks/verify_delivery.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { faultTest, randomFrom, repeatedBy } from "../../support/seed.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const deliveries = isLong ? 1_000 : 200, kills = isLong ? 4 : 1, atOnce = 16;
const secret = "hunter2-secret";

/** It takes its time, so that most deliveries are answered while it computes. */
const ci = `export async function compute({ sqlite, trigger }) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  sqlite.exec("create table if not exists heard (id text)");
  for (const { body } of trigger.deliveries) sqlite.prepare("insert into heard values (?)").run(body.id);
  return null;
}`;

const yaml = {
  listen: "127.0.0.1:0",
  env_file: ".env",
  hooks: { git: { secret: "env GIT_SECRET", verify: "github" } },
  senses: { ci: {} },
  reflexes: [{ sense: "ci", hook: "git" }],
};

/** Sends to one daemon, until it is killed. */
class Sender {
  readonly #url: string;

  constructor(address: string) {
    this.#url = `http://${address}/hooks/git`;
  }

  static async to(daemon: Daemon): Promise<Sender> {
    const { listener } = await daemon.client.hooks();
    assert.equal(listener?.listening, true);
    return new Sender(listener?.address ?? "");
  }

  /** The status of the answer; null when the daemon died before. */
  async send(id: string): Promise<number | null> {
    const body = new TextEncoder().encode(JSON.stringify({ id }));
    const proof = makeProof(
      { kind: "hmac", hash: "sha256", header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
      secret,
      { id, body, now: 0 },
    );
    const headers = { ...proof, "x-github-delivery": id, "content-type": "application/json" };
    try {
      const response = await fetch(this.#url, { method: "POST", headers, body });
      await response.body?.cancel();
      return response.status;
    } catch (thrown) {
      if (thrown instanceof TypeError) return null;
      throw thrown;
    }
  }
}

/** Sends ids until `enough` were taken or none is left; returns those that were not answered. */
async function sendMany(sender: Sender, ids: readonly string[], taken: Set<string>, enough: number): Promise<string[]> {
  const left = [...ids], unanswered: string[] = [];
  let count = 0;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    while (count < enough) {
      const id = left.shift();
      if (id === undefined) return;
      const status = await sender.send(id);
      if (status === null) return void unanswered.push(id);
      assert.ok(status === 202 || status === 200, `status ${status}`);
      assert.equal(status === 200 && !taken.has(id) && !tried.has(id), false, `${id} was never sent before`);
      taken.add(id);
      count++;
    }
  }));
  for (const id of unanswered) tried.add(id);
  return [...unanswered, ...left];
}

/** Sent, and not answered: they may be on disk. */
const tried = new Set<string>();

async function untilHeard(daemon: Daemon): Promise<void> {
  const wait = async () => {
    while ((await daemon.client.hooks()).items[0]?.waiting !== 0) await delay(systemClock, 20);
  };
  await within(wait(), "every delivery to be heard", () => daemon.output);
}

function judge(workspace: WorkspaceFixture, taken: ReadonlySet<string>): void {
  const database = new DatabaseSync(workspace.paths.senseDatabase("ci"), { readOnly: true });
  const heard = new Set(database.prepare("select id from heard").all().map(({ id }) => String(id)));
  database.close();
  assert.deepEqual([...taken].filter((id) => !heard.has(id)), [], "deliveries that were taken and are lost");
  const reader = StoreReader.open(workspace.paths.logDatabase) ?? assert.fail("there is no log");
  const rows = reader.logs({ source: "hook:git", type: "hook.delivery", limit: 100_000 });
  reader.close();
  const written = rows.map(({ payload }) => (payload as { key: string }).key);
  assert.equal(new Set(written).size, written.length, "a delivery was taken twice");
}

faultTest(
  `${deliveries} deliveries around kill -9 between 202 and their compute: none is lost, none taken twice`,
  async (seed) => {
    const random = randomFrom(seed),
      workspace = await makeWorkspace({ yaml, senses: { ci }, files: { ".env": `GIT_SECRET=${secret}\n` } });
    await using _ = workspace;
    const taken = new Set<string>(), all = Array.from({ length: deliveries }, (_, n) => `${seed}-${n}`);
    tried.clear();
    try {
      let left: string[] = all;
      for (let n = 0; n < kills; n++) {
        const daemon = await Daemon.start(workspace.paths), sender = await Sender.to(daemon);
        const enough = Math.floor(deliveries / kills * (0.5 + random() / 2));
        const killed = delay(systemClock, random() * 400).then(() => n % 2 === 0 ? daemon.kill() : undefined);
        left = await sendMany(sender, left, taken, enough);
        await Promise.all([killed, daemon.kill()]);
      }
      const last = await Daemon.start(workspace.paths), sender = await Sender.to(last);
      assert.deepEqual(await sendMany(sender, left, taken, deliveries), []);
      assert.equal(taken.size, deliveries);
      // Their senders try again, because no answer reached them.
      for (const id of all.slice(0, 50)) assert.equal(await sender.send(id), 200, id);
      await untilHeard(last);
      await last.stop();
      judge(workspace, taken);
    } catch (thrown) {
      throw new Error(repeatedBy(seed), { cause: thrown });
    }
  },
  scaled,
);
