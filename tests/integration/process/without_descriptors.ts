/** A kernel's process supervisor under a low limit of descriptors, for failed_start_test.ts. Prints what it did. */
import { backoffMaxMs, deathsMax } from "../../../src/base/limits.ts";
import { SupervisedWorkspace } from "../../support/supervised.ts";

const units = await SupervisedWorkspace.make({ senses: { a: "export const compute = () => 1;" } });
const taken: Deno.FsFile[] = [], reasons: (string | null)[] = [];

function takeAll(): void {
  try {
    for (;;) taken.push(Deno.openSync("/dev/null"));
  } catch (thrown) {
    if (!/os error 24/.test(String(thrown))) throw thrown;
  }
}

/** Tries to start with so many free descriptors: too few for the socket, for the pipes, or for the connection. */
async function attempt(free: number): Promise<void> {
  takeAll();
  for (let each = 0; each < free; each++) taken.pop()?.close();
  const process = units.findProcess("group:a");
  if (process !== null) {
    await units.until(() => process.ready || !process.usable, "its end");
    takeAll();
    for (const file of taken.splice(0)) file.close();
    if (process.ready) process.stop("the test is done");
    await units.gone(process);
  }
  if (units.supervisor.view()[0]?.state === "backoff") reasons.push(units.supervisor.view()[0]?.reason ?? null);
  for (const file of taken.splice(0)) file.close();
  await units.clock.tick(backoffMaxMs);
}

for (let free = 0; free <= deathsMax + 7; free++) await attempt(free);
const { deaths = -1 } = units.supervisor.view()[0] ?? {};
const process = await units.ready("group:a");
const later = (await units.compute(process, "a")).kind;
// deno-lint-ignore no-console -- the answer of this program
console.log(JSON.stringify({ reasons, quarantines: units.quarantines, deaths, later }));
await units[Symbol.asyncDispose]();
