/**
 * Turns the npm packages that nerve loads at run time into plain ES modules with an import map of their own, so that a
 * built nerve needs no npm cache, no lock file and no registry, and starts without resolving packages (15 ms less).
 * Used by stage.ts.
 * I1. What nerve's own code imports is one bundle: a module that two packages share is there once.
 * I2. Every other subpath of an open package resolves as it does from a clone, from a second bundle.
 * I3. What the sandbox may import of a package is in a folder of its name: by that the gate knows it
 *     (src/sandbox/module_gate.ts).
 */
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert } from "../../src/base/errors.ts";
import { runOrFail } from "./command.ts";

/** Packages of which authors may import every subpath, as the `/` entries of the import map have it. */
const openPackages = ["drizzle-orm"];
/** Packages that the sandbox may import. */
const sandboxPackages = [...openPackages, "zod"];

export interface Vendored {
  /** Entries of the import map, relative to the folder that holds `folder`. */
  readonly imports: Record<string, string>;
}

/** Writes below `root`/`folder`. `modules` are nerve's modules whose npm imports are wanted. */
export async function vendor(
  repository: string,
  root: string,
  folder: string,
  modules: readonly string[],
): Promise<Vendored> {
  const imports: Record<string, string> = {};
  const used = await npmSpecifiers(repository, modules);
  const own = await bundle(repository, join(root, folder), used, placeOf);
  for (const [specifier, file] of own) imports[specifier] = `./${folder}/${file}`;
  for (const name of openPackages) {
    const rest = `${name}/_`, subpaths = subpathsOf(name).filter((each) => !own.has(each));
    const more = await bundle(repository, join(root, folder, rest), subpaths, flat);
    imports[`${name}/`] = `./${folder}/${name}/`;
    for (const [specifier, file] of more) {
      // A path that is also a folder of others cannot be a file: it gets an entry. The others need none: an import map
      // of 400 entries costs each process 20 ms.
      const isFolder = [...own.keys(), ...more.keys()].some((other) => other.startsWith(`${specifier}/`));
      if (isFolder) imports[specifier] = `./${folder}/${rest}/${file}`;
      else await writeAlias(join(root, folder, specifier), `${folder}/${rest}/${file}`, join(folder, specifier));
    }
  }
  return { imports };
}

/** The name of a specifier's file, without its ending. */
function flat(specifier: string): string {
  return specifier.replaceAll(/[^\w-]+/g, "_");
}

function placeOf(specifier: string): string {
  const owner = sandboxPackages.find((name) => specifier === name || specifier.startsWith(`${name}/`));
  return owner === undefined ? flat(specifier) : `${owner}/${flat(specifier)}`;
}

/** A module without an extension: Deno takes it for JavaScript. */
async function writeAlias(path: string, target: string, from: string): Promise<void> {
  const up = "../".repeat(from.split("/").length - 1);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, `export * from ${JSON.stringify(`${up}${target}`)};\n`);
}

/** The bare specifiers by which `modules`, paths in the repository, and what they import reach npm packages. */
async function npmSpecifiers(repository: string, modules: readonly string[]): Promise<string[]> {
  // One module that imports all of them: Deno is asked once.
  const all = await Deno.makeTempFile({ prefix: "nerve-vendor-", suffix: ".ts" });
  try {
    const addresses = modules.map((path) => pathToFileURL(join(repository, path)).href);
    await Deno.writeTextFile(all, addresses.map((address) => `import ${JSON.stringify(address)};\n`).join(""));
    const config = ["--frozen", "-c", join(repository, "deno.json")];
    const info = await runOrFail(Deno.execPath(), ["info", "--json", ...config, all], { cwd: repository });
    const graph = JSON.parse(info) as {
      modules: { error?: string; dependencies?: { specifier: string; code?: { specifier?: string } }[] }[];
    };
    const found = new Set<string>();
    for (const { error, dependencies } of graph.modules) {
      assert(error === undefined, `what is to be built cannot be read: ${error}`);
      for (const { specifier, code } of dependencies ?? []) {
        if (code?.specifier?.startsWith("npm:")) found.add(specifier);
      }
    }
    return [...found].sort();
  } finally {
    await Deno.remove(all);
  }
}

/** Every subpath that a package exports as a module. */
function subpathsOf(name: string): string[] {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  while (!exists(join(folder, "package.json"))) folder = dirname(folder);
  const manifest = JSON.parse(Deno.readTextFileSync(join(folder, "package.json")));
  assert(manifest.name === name, `${folder} holds ${name}`);
  return Object.keys(manifest.exports).filter((path) => !/[*]|\.json$/.test(path)).map((path) => name + path.slice(1));
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Bundles the specifiers that can be loaded; returns the file of each, relative to `folder`. */
async function bundle(
  repository: string,
  folder: string,
  specifiers: readonly string[],
  place: (specifier: string) => string,
): Promise<Map<string, string>> {
  const entries = await Deno.makeTempDir({ prefix: "nerve-vendor-" });
  try {
    const files = new Map<string, string>();
    for (const specifier of specifiers) {
      const names = await exportedNames(specifier);
      if (names === null) continue;
      const file = place(specifier);
      assert(![...files.values()].includes(`${file}.js`), `two specifiers become ${file}`);
      files.set(specifier, `${file}.js`);
      // By name: `export *` leaves out what a CommonJS package exports.
      const text = `export { ${names.join(", ")} } from ${JSON.stringify(specifier)};\n`;
      await Deno.mkdir(dirname(join(entries, file)), { recursive: true });
      await Deno.writeTextFile(join(entries, `${file}.ts`), text);
    }
    const sources = [...files.values()].map((file) => join(entries, file.replace(/js$/, "ts")));
    // "browser" takes the ES modules of packages that give Node CommonJS; that would need `require`, which must not be
    // within reach of the sandbox.
    const options = ["--code-splitting", "--minify", "--keep-names", "--platform", "browser", "--outdir", folder];
    const config = ["--frozen", "-c", join(repository, "deno.json")];
    await runOrFail(Deno.execPath(), ["bundle", "--quiet", ...config, ...options, ...sources], { cwd: entries });
    // Chunks that they share included: all are in the folder itself, but for the places of the specifiers.
    const chunks = [...Deno.readDirSync(folder)].flatMap(({ name }) => name.endsWith(".js") ? [name] : []);
    for (const name of new Set([...chunks, ...files.values()])) {
      const needsRequire = (await Deno.readTextFile(join(folder, name))).includes("Dynamic require of");
      assert(!needsRequire, `${name} of ${specifiers.join(", ")} calls require`);
    }
    return files;
  } finally {
    await Deno.remove(entries, { recursive: true });
  }
}

/** The names that the module exports; null when it cannot be loaded, which is so for drivers whose peer is not installed. */
async function exportedNames(specifier: string): Promise<string[] | null> {
  try {
    // Deno adds the name "module.exports" to what CommonJS exports.
    return Object.keys(await import(specifier)).filter((name) => name !== "module.exports");
  } catch (thrown) {
    assert(openPackages.some((name) => specifier.startsWith(`${name}/`)), `${specifier} cannot be loaded: ${thrown}`);
    return null;
  }
}
