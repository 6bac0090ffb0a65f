/**
 * Danger: a row that was reported as durable is gone after the daemon was killed, or a run's count and messages differ.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { randomFrom, randomSeed, repeatedBy } from "../../support/seed.ts";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const kills = 6;

Deno.test("every acknowledged row survives kill -9, again and again", () =>
  inTempDir(async (root) => {
    const seed = randomSeed(), random = randomFrom(seed), path = join(root, "data", "logs.db");
    const acked: { id: number; round: number; runId: string }[] = [];
    try {
      for (let n = 0; n < kills; n++) {
        const last = await appendUntilKilled(path, `run-${n}`, random() * 60);
        if (last !== null) acked.push({ ...last, runId: `run-${n}` });
        checkAll(path, acked);
      }
      assert.ok(acked.length > 0, "no child got as far as its first row");
    } catch (thrown) {
      throw new Error(`${thrown}\n${repeatedBy(seed)}`, { cause: thrown });
    }
  }));

/** The last line that the child printed; null when it was killed before its first. */
async function appendUntilKilled(
  path: string,
  runId: string,
  ms: number,
): Promise<{ id: number; round: number } | null> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--cached-only", "--no-lock", "-c", join(repository, "deno.json")],
      ...[join(repository, "tests/integration/store/appender.ts"), path, runId],
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? "";
  await delay(systemClock, ms);
  child.kill("SIGKILL");
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  await child.status;
  const complete = text.slice(0, text.lastIndexOf("\n")).split("\n").at(-1) ?? "";
  const [id, round] = complete.split(" ").map(Number);
  return id === undefined || round === undefined ? null : { id, round };
}

/** Once as a command without a daemon reads it, once as the next daemon opens it. */
function checkAll(path: string, acked: readonly { id: number; round: number; runId: string }[]): void {
  const reader = StoreReader.open(path);
  assert.ok(reader !== null);
  for (const { id, round, runId } of acked) {
    const [row] = reader.logs({ afterId: id - 1, limit: 1 });
    assert.deepEqual([row?.id, row?.payload], [id, { round }]);
    const messages = reader.messages(runId), run = reader.run(runId);
    assert.ok(messages.length >= round, `${runId}: ${messages.length} of ${round} messages`);
    assert.equal(run?.rounds, messages.length);
    assert.deepEqual(messages.map((message) => message.round), messages.map((_, index) => index + 1));
  }
  reader.close();
  const store = openStore(path, new FakeClock());
  assert.ok(acked.every(({ runId }) => store.runs.get(runId)?.status === "started"));
  store.close();
}
