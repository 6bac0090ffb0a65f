/**
 * The command with which tests start nerve as a process of its own: from the sources or, when `deno task test` has
 * staged it, from its bundles, which take half as long to start. Tests of one form use forms.ts instead.
 */
import { bundleFlags, toBundlePath } from "../../src/base/self_exec.ts";
import { join } from "./paths.ts";
import { repository } from "./source_files.ts";

/** A folder that tools/build/stage.ts wrote; see tools/test/main.ts. */
const staged = Deno.env.get("NERVE_STAGED");

const from = staged === undefined
  ? ["--cached-only", join(repository, "src/main.ts")]
  : [...bundleFlags, join(staged, "src", toBundlePath("main.ts"))];

/** The arguments between Deno's executable and nerve's own arguments. */
export const nerveArguments: readonly string[] = ["run", "-A", "--quiet", "--no-prompt", ...from];

/** The whole command before nerve's own arguments. */
export const nerveCommand: readonly string[] = [Deno.execPath(), ...nerveArguments];
