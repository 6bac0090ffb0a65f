/**
 * Copies everything that goes into an executable to a folder: nerve's modules, the library, the vendored packages and a
 * deno.json that points to them. Both forms are built from the same folder, so that they cannot differ. Used by
 * main.ts.
 */
import { join, relative } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { toBundlePath } from "../../src/base/self_exec.ts";
import { bundledEntries, bundleProcesses, loadedLater, sandboxEntries } from "./bundle.ts";
import { tryRun } from "./command.ts";
import { vendor } from "./vendor.ts";

/** The folders of the repository that go into an executable. */
const shipped = ["src", "lib", "senses", "workflows"];
const vendorFolder = "src/vendor";

/**
 * Modules loaded by path, not by an import that Deno can analyse: nerve's processes, the sandbox, and the modules that
 * authors import.
 */
export const entryPaths: readonly string[] = [
  ...bundledEntries.map((entry) => `src/${toBundlePath(entry)}`),
  ...sandboxEntries.map((entry) => `src/${entry.replace(/\.ts$/, ".js")}`),
  "src/sandbox/tls_worker.ts",
];

export interface Stamp {
  readonly form: "portable" | "compiled";
  /** Null outside a repository. Ends in "+changes" when the working tree differs from it. */
  readonly commit: string | null;
}

/** With `stamp` null, the staged nerve reports that it runs from its sources, as tests expect. */
export async function stage(repository: string, root: string, stamp: Stamp | null): Promise<void> {
  const copied: string[] = [];
  for (const folder of shipped) await copyFolder(join(repository, folder), join(root, folder), copied);
  await Deno.copyFile(join(repository, "LICENSE"), join(root, "LICENSE"));
  if (stamp !== null) await Deno.writeTextFile(join(root, "src/base/build.json"), JSON.stringify(stamp));
  await bundleProcesses(repository, root);
  // All modules, including those that are only imported by computed paths.
  const modules = copied.filter((path) => path.endsWith(".ts")).map((path) => relative(repository, path)).sort()
    // The packages of this module are in its bundle, and nothing else imports them.
    .filter((path) => path !== `src/${loadedLater}`);
  const { imports } = await vendor(repository, root, vendorFolder, modules);
  await Deno.writeTextFile(join(root, "deno.json"), `${JSON.stringify(createStagedManifest(imports), null, 2)}\n`);
}

/** nerve's deno.json without its development settings, with npm specifiers replaced by the vendored modules. */
export function createStagedManifest(vendored: Readonly<Record<string, string>>): Record<string, unknown> {
  const own = Object.entries(manifest.imports).filter(([, target]) => target.startsWith("./"));
  const npm = Object.entries(manifest.imports).filter(([, target]) => target.startsWith("npm:"));
  const { "./src/": scope } = manifest.scopes;
  return {
    version: manifest.version,
    unstable: manifest.unstable,
    nodeModulesDir: manifest.nodeModulesDir,
    lock: false,
    // A workspace root, so that Deno ignores a deno.json or package.json in the user's home.
    workspace: [],
    compilerOptions: manifest.compilerOptions,
    imports: { ...Object.fromEntries(own), ...vendored, nerve: manifest.imports.nerve.replace(/\.ts$/, ".js") },
    scopes: { "./src/": scope },
    // Editors can use npm: the import map that `nerve init` writes names the packages themselves.
    editorImports: Object.fromEntries(npm),
  };
}

/** Adds the files that it copies to `copied`. */
async function copyFolder(from: string, to: string, copied: string[]): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const entry of Deno.readDir(from)) {
    const source = join(from, entry.name), target = join(to, entry.name);
    if (entry.isDirectory) await copyFolder(source, target, copied);
    else if (entry.isFile) {
      await Deno.copyFile(source, target);
      copied.push(source);
    }
  }
}

/** The commit to build. Null when git is not installed or this is not a repository. */
export async function readCommit(repository: string): Promise<string | null> {
  try {
    const head = await tryRun("git", ["rev-parse", "--short=12", "HEAD"], { cwd: repository });
    const status = await tryRun("git", ["status", "--porcelain"], { cwd: repository });
    if (!head.success || !status.success) return null;
    return `${head.stdout.trim()}${status.stdout.trim() === "" ? "" : "+changes"}`;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
