// deno-lint-ignore-file no-console -- an example talks to whoever runs it
// nerve inside a program of one's own, as docs/api.md shows it
import { createKernel, formatProblems, loadNerveConfig, workspacePaths } from "../../src/mod.ts";

const root = await Deno.realPath(Deno.args[0] ?? ".");
const loaded = await loadNerveConfig(workspacePaths(root));
if (!loaded.ok) throw new Error(formatProblems(loaded.error, "text"));

const kernel = createKernel(loaded.value.config, root);
const events = kernel.events();
await kernel.ready;

const result = await kernel.triggerSense("load");
if (result.kind === "signal") console.log(`load says ${JSON.stringify(result.signal.payload)}`);
const run = await kernel.startWorkflow("tidy", { prompt: "the inbox", payload: { by: "embed.ts" } });
console.log(`run ${run.runId} of tidy is ${run.status}`);

for await (const event of events) {
  if (event.kind !== "run" || event.run.runId !== run.runId || event.run.endedAt === null) continue;
  console.log(`tidy ${event.run.status}, rounds: ${event.run.rounds}`);
  break;
}
await kernel.stop();
