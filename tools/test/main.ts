/**
 * `deno task test [FILE...]`: all tests, or those of some files, two at a time for each processor, since they wait more
 * than they compute. nerve is staged first, as for a build, and tests start its bundles as the daemon and the command
 * line (tests/support/nerve_program.ts): that takes half the time of a start from its sources.
 */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { stage } from "../build/stage.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
// An interrupted test run ends by itself; then the folder is removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
const staged = await Deno.makeTempDir({ prefix: "nerve-staged-" });
try {
  await stage(root, staged, null);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-prompt", "--parallel", "--cached-only"]
      .concat(Deno.args.length === 0 ? ["tests/"] : Deno.args),
    cwd: root,
    env: { DENO_JOBS: String(2 * navigator.hardwareConcurrency), NERVE_STAGED: staged },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(staged, { recursive: true });
}
