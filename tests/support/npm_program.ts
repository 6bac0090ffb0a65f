/** Programs that tests run from npm packages: installed once, to the user's cache. */
import { join } from "./paths.ts";

/** The program at `path` in the package, or why it is missing. */
export async function findNpmProgram(
  { name, version, path, folder }: {
    readonly name: string;
    readonly version: string;
    readonly path: string;
    /** The name of the folder in the cache. */
    readonly folder: string;
  },
): Promise<{ readonly program: string } | { readonly missing: string }> {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  const home = join(base, folder), program = join(home, "node_modules", name, path);
  if (exists(program)) return { program };
  // Installed elsewhere first: another test file may be installing it, too.
  const aside = await Deno.makeTempDir({ prefix: "nerve-npm-" });
  // No package script runs: the programs that tests use need none.
  const args = ["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"];
  try {
    const { success, stderr } = await new Deno.Command("npm", {
      args: [...args, "--prefix", aside, `${name}@${version}`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) {
      return { missing: `npm cannot install ${name}: ${new TextDecoder().decode(stderr).trim().slice(-300)}` };
    }
    await Deno.mkdir(base, { recursive: true });
    await new Deno.Command("cp", { args: ["-rT", aside, home] }).output();
    return { program };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return { missing: "npm is not installed" };
    throw thrown;
  } finally {
    await Deno.remove(aside, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
