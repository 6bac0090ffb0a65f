/**
 * Converts the npm packages that nerve loads at run time to plain ES modules with entries in the import map. A built
 * nerve then needs no npm cache, lock file or registry, and starts 15 ms sooner since it resolves no packages.
 * Used by stage.ts.
 * I1. Everything that nerve's own code imports is one bundle, so that a module that two packages share exists once.
 * I2. Every other subpath of an open package resolves as it does in a clone; these come from a second bundle.
 * I3. What the sandbox may import from a package is in a folder with the package's name, by which
 *     src/sandbox/module_gate.ts recognizes it.
 */
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert } from "../../src/base/errors.ts";
import { runOrFail } from "./command.ts";

/** Packages of which authors may import every subpath; the import map has a `/` entry for each. */
const openPackages = ["drizzle-orm"];
/** Packages that the sandbox may import. */
const sandboxPackages = [...openPackages, "zod", "feedsmith", "d3-scale", "d3-shape"];

export interface Vendored {
  /** Entries of the import map, relative to the folder that contains `folder`. */
  readonly imports: Record<string, string>;
}

/** Writes below `root`/`folder`. `modules` are the modules of nerve whose npm imports are vendored. */
export async function vendor(
  repository: string,
  root: string,
  folder: string,
  modules: readonly string[],
): Promise<Vendored> {
  const imports: Record<string, string> = {};
  const used = await findNpmSpecifiers(repository, modules);
  const own = await bundle(repository, join(root, folder), used, toFilePath);
  for (const [specifier, file] of own) imports[specifier] = `./${folder}/${file}`;
  for (const name of openPackages) {
    const rest = `${name}/_`, subpaths = listSubpaths(name).filter((each) => !own.has(each));
    const more = await bundle(repository, join(root, folder, rest), subpaths, toFileName);
    imports[`${name}/`] = `./${folder}/${name}/`;
    for (const [specifier, file] of more) {
      // A path that is also the folder of other paths cannot be a file, so it gets an entry in the import map. The
      // others get alias files instead: an import map of 400 entries costs each process 20 ms.
      const isFolder = [...own.keys(), ...more.keys()].some((other) => other.startsWith(`${specifier}/`));
      if (isFolder) imports[specifier] = `./${folder}/${rest}/${file}`;
      else await writeAlias(join(root, folder, specifier), `${folder}/${rest}/${file}`, join(folder, specifier));
    }
  }
  return { imports };
}

/** The file name for a specifier, without extension. */
function toFileName(specifier: string): string {
  return specifier.replaceAll(/[^\w-]+/g, "_");
}

function toFilePath(specifier: string): string {
  const owner = sandboxPackages.find((name) => specifier === name || specifier.startsWith(`${name}/`));
  return owner === undefined ? toFileName(specifier) : `${owner}/${toFileName(specifier)}`;
}

/** Writes a module without an extension, which Deno treats as JavaScript. */
async function writeAlias(path: string, target: string, from: string): Promise<void> {
  const up = "../".repeat(from.split("/").length - 1);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, `export * from ${JSON.stringify(`${up}${target}`)};\n`);
}

/** The bare specifiers with which `modules` (paths in the repository) and their imports import npm packages. */
async function findNpmSpecifiers(repository: string, modules: readonly string[]): Promise<string[]> {
  // One module that imports all of them, so that `deno info` runs only once.
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
      assert(error === undefined, `a module cannot be read: ${error}`);
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
function listSubpaths(name: string): string[] {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  while (!exists(join(folder, "package.json"))) folder = dirname(folder);
  const manifest = JSON.parse(Deno.readTextFileSync(join(folder, "package.json")));
  assert(manifest.name === name, `${folder} contains ${name}`);
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

/** Bundles the specifiers that can be loaded. Returns the file of each, relative to `folder`. */
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
      const names = await readExportedNames(specifier);
      if (names === null) continue;
      const file = place(specifier);
      assert(![...files.values()].includes(`${file}.js`), `two specifiers become ${file}`);
      files.set(specifier, `${file}.js`);
      // By name, since `export *` omits the exports of a CommonJS package.
      const text = `export { ${names.join(", ")} } from ${JSON.stringify(specifier)};\n`;
      await Deno.mkdir(dirname(join(entries, file)), { recursive: true });
      await Deno.writeTextFile(join(entries, `${file}.ts`), text);
    }
    const sources = [...files.values()].map((file) => join(entries, file.replace(/js$/, "ts")));
    // "browser" selects the ES modules of packages that offer CommonJS to Node. CommonJS would need `require`, which
    // the sandbox must not be able to reach.
    const options = ["--code-splitting", "--minify", "--keep-names", "--platform", "browser", "--outdir", folder];
    const config = ["--frozen", "-c", join(repository, "deno.json")];
    await runOrFail(Deno.execPath(), ["bundle", "--quiet", ...config, ...options, ...sources], { cwd: entries });
    // Includes shared chunks. All files are in the folder itself, except those of the specifiers.
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

/**
 * The names that the module exports. Null when it cannot be loaded, as with drivers whose peer package is not
 * installed.
 */
async function readExportedNames(specifier: string): Promise<string[] | null> {
  try {
    // Deno adds the name "module.exports" to the exports of CommonJS.
    return Object.keys(await import(specifier)).filter((name) => name !== "module.exports");
  } catch (thrown) {
    assert(openPackages.some((name) => specifier.startsWith(`${name}/`)), `${specifier} cannot be loaded: ${thrown}`);
    return null;
  }
}
