// deno-lint-ignore-file no-console -- an example talks to whoever runs it
// nerve inside a program of one's own, with the commands of nerve, as docs/api.md shows it
import { createKernel, formatProblems, loadNerveConfig, NerveError, workspacePaths } from "../../src/mod.ts";

const root = await Deno.realPath(Deno.args[0] ?? ".");
const loaded = await loadNerveConfig(workspacePaths(root));
if (!loaded.ok) throw new Error(formatProblems(loaded.error, "text"));

const kernel = createKernel(loaded.value.config, root, { control: true, program: "inbox-server" });
try {
  await kernel.ready;
} catch (error) {
  if (error instanceof NerveError && error.code === "DAEMON_RUNNING") console.error(`${error.message}: ${error.hint}`);
  throw error;
}
console.log("nerve status, nerve events -f and nerve stop work now");

await kernel.stopped; // after kernel.stop() here, or nerve stop in a shell
console.log("the kernel has stopped, this program goes on");
