/** The C tools of tools/, each compiled once into the system's temporary folder. */
import { fromFileUrl, join } from "../support/paths.ts";

/**
 * The path of the compiled tool; null without a C compiler: figures that need the tool are then left out, and reported
 * as such.
 */
export async function compiled(source: string, name: string, flags: readonly string[]): Promise<string | null> {
  const from = fromFileUrl(new URL(`./tools/${source}`, import.meta.url));
  const folder = await Deno.makeTempDir({ prefix: "nerve-bench-" }), to = join(folder, name);
  try {
    const args = ["-O2", "-o", to, from, ...flags];
    const { success } = await new Deno.Command("cc", { args, stderr: "inherit" }).output();
    if (success) return to;
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  Deno.stderr.writeSync(new TextEncoder().encode(`no C compiler: the figures that need ${source} are left out\n`));
  return null;
}
