/**
 * Computes a sense of the library once where files of the system are others, such as /proc/meminfo of a container: in a
 * mount namespace of its own, so that nothing else on the machine sees them. Only root may do that (mounts.ts, canMount).
 */
import { fileURLToPath } from "node:url";
import { type Config, type Grants, type Outcome, TestSense } from "./library.ts";
import { repository } from "./source_files.ts";

export interface MountedCompute {
  readonly sense: string;
  readonly config?: Config;
  readonly grants?: Grants;
  /** What stands in these files. */
  readonly files: Readonly<Record<string, string>>;
}

export async function computeMounted(request: MountedCompute): Promise<Outcome> {
  const own = fileURLToPath(import.meta.url), config = `${repository}/deno.json`;
  const deno = ["run", "-A", "--no-prompt", "--cached-only", "--quiet", "--config", config, own];
  // A file may be longer than an argument.
  const given = Deno.makeTempFileSync({ prefix: "nerve-mounted-" });
  Deno.writeTextFileSync(given, JSON.stringify(request));
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", Deno.execPath(), ...deno, given],
  }).output();
  Deno.removeSync(given);
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function main({ sense: name, config = {}, grants, files }: MountedCompute): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = Deno.makeTempFileSync();
    Deno.writeTextFileSync(file, text);
    const { success } = await new Deno.Command("mount", { args: ["--bind", file, path] }).output();
    if (!success) throw new Error(`cannot mount over ${path}`);
  }
  await using sense = new TestSense(name, grants);
  const outcome = await sense.compute(config);
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(outcome)));
}

if (import.meta.main) await main(JSON.parse(Deno.readTextFileSync(Deno.args[0] ?? "")));
