/** The child of durability_test.ts: appends rows and messages of a run without end, and prints what is durable. */
import { systemClock } from "../../../src/base/clock.ts";
import { openStore } from "../../../src/store/store.ts";
import { newRow, newRun, runRow } from "../../support/store_bench.ts";

const [path = "", runId = ""] = Deno.args;
const store = openStore(path, systemClock);
const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

await store.runs.create(newRun(runId), runRow(runId));
for (let round = 1;; round++) {
  const { id } = store.log.append(newRow({ payload: { round } }));
  const message = { round, role: "scan", content: `message ${round}`, meta: {}, ts: round };
  await store.runs.appendMessage({ runId, workflow: "cleanup", attempt: 1, causeId: null }, message);
  print(`${id} ${round}`);
}
