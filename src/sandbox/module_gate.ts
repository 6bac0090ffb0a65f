/**
 * Decides what code in the sandbox may import: the folders of its own unit, `lib/`, `nerve`, the open packages,
 * harmless Node built-ins, and the packages and hosts that `permissions.import` names. Called once by worker_main.ts,
 * before user code. Deno checks the read permission for imported files when it runs from source, but not in a compiled
 * program, and never for npm packages. So every import is checked here, by the real path of its file.
 * I1. After `installModuleGate` has returned, nothing here calls a method of a prototype: user code may replace any
 *     (primordials.ts).
 * I2. An unknown built-in is closed, including those that a newer Deno adds.
 * I3. nerve's own modules import each other and `ownExternals`, nothing else, no matter what calls them. Only
 *     user_module.ts imports user code, and it may import what user code may.
 * The hook replaces the import map for built-ins (an active hook disables the map, measured on 2.9.6) and, unlike the
 * map, also covers packages. The map in deno.json has the same rules.
 */
import * as nodeModule from "node:module";
import type { ModuleRules } from "../protocol/message.ts";
import { decodePath, has, indexOf, lastIndexOf, slice, startsWith } from "./primordials.ts";

interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}
type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context: unknown) => Resolved,
) => Resolved;

/** Built-ins that permissions cover completely. All others affect the process, threads, sockets or files. */
const openBuiltins: ReadonlySet<string> = new Set([
  ...["assert", "assert/strict", "async_hooks", "buffer", "console", "constants", "crypto", "diagnostics_channel"],
  ...["dns", "dns/promises", "events", "fs", "fs/promises", "os", "path", "path/posix", "path/win32", "perf_hooks"],
  ...["punycode", "querystring", "readline", "readline/promises", "stream", "stream/consumers"],
  ...["stream/promises", "stream/web", "string_decoder", "sys", "timers", "timers/promises", "url", "util"],
  ...["util/types", "zlib"],
  // Parts of node:stream; they own no file descriptor.
  ...["_stream_duplex", "_stream_passthrough", "_stream_readable", "_stream_transform", "_stream_writable"],
].map((name) => `node:${name}`));

/** Whether user code may import this built-in. `url` is a URL such as `node:fs`. */
export function isOpenBuiltin(url: string): boolean {
  return openBuiltins.has(url);
}

/** What nerve's own modules may import once user code can run, besides each other. Drizzle is loaded on demand. */
export const ownExternals: ReadonlySet<string> = new Set([
  "drizzle-orm/better-sqlite3/session",
  "drizzle-orm/sqlite-core",
  "node:fs",
  "node:fs/promises",
]);

const denied = import.meta.resolve("./modules/denied.ts");
/** The modules that replace built-ins for user code. */
const standIns: Readonly<Record<string, string | undefined>> = Object.assign(Object.create(null), {
  "node:process": import.meta.resolve("./modules/process.ts"),
  "node:sqlite": import.meta.resolve("./modules/sqlite.ts"),
  "node:fs": import.meta.resolve("./modules/fs.ts"),
  "node:fs/promises": import.meta.resolve("./modules/fs_promises.ts"),
});

/** Installs the gate, with the rules of this process's unit. */
export function installModuleGate(rules: ModuleRules): void {
  const resolve = createResolver(rules);
  // Missing in the types of Deno 2.9.6.
  const register: unknown = Reflect.get(nodeModule, "registerHooks");
  if (typeof register !== "function") throw new Error("nerve bug: this Deno has no module hooks");
  register({ resolve });
}

const { realPathSync } = Deno, { NotCapable } = Deno.errors;
// In a built nerve, these are the bundled files beside the modules: they have the ending of this file.
const ending = import.meta.url.slice(-".ts".length);
const own = import.meta.resolve("../"), sdk = import.meta.resolve(`../sdk/mod${ending}`);
const userModule = import.meta.resolve(`./user_module${ending}`);

function createResolver(rules: ModuleRules): Resolve {
  const folders = rules.folders.flatMap((folder) =>
    [...new Set([folder, resolveRealPath(folder)])].map((each) => `${each}/`)
  );
  const isUsers = (parent: string | undefined): boolean => {
    if (parent === undefined || !startsWith(parent, "file:///")) return true;
    return startsWith(parent, own) || startsWithAny(pathOf(parent), folders);
  };
  let open: readonly string[] | null = null;
  return (specifier, context, next) => {
    const resolved = next(specifier, context), { url } = resolved, { parentURL } = context;
    const isOwn = parentURL !== undefined && startsWith(parentURL, own) && parentURL !== userModule;
    if (isOwn && (startsWith(url, own) || has(ownExternals, specifier))) return resolved;
    if (startsWith(url, "node:")) {
      const standIn = standIns[url];
      if (standIn === undefined && has(openBuiltins, url)) return resolved;
      // Deno ignores an error thrown for a static import of a built-in, so a stand-in module replaces it.
      return { url: standIn ?? denied, shortCircuit: true };
    }
    if (!isUsers(parentURL)) return resolved;
    open ??= findOpenHomes(context, next);
    if (!isOpen(url, open)) checkUserImport(specifier, url, folders, rules.packages);
    return resolved;
  };
}

/**
 * The packages that are open to all, besides the SDK: the query builder of `ctx.db`, schemas, and the packages with
 * which the library parses feeds and draws charts. The list is one literal: filling a list would call methods that user
 * code may have replaced.
 */
function findOpenHomes(context: object, next: Parameters<Resolve>[2]): readonly string[] {
  const home = (name: string) => homeOf(name, context, next);
  return [home("drizzle-orm"), home("zod"), home("feedsmith"), home("d3-scale"), home("d3-shape")];
}

/**
 * The folder of one of our own packages. The name alone is not enough: `zod/../../secret.json` begins with it, and if
 * the package has no such path, Deno resolves it relative to the importing file.
 */
function homeOf(name: string, context: object, next: Parameters<Resolve>[2]): string {
  const { url } = next(name, { ...context, parentURL: own }), at = lastIndexOf(url, `/${name}/`);
  return at < 0 ? url : slice(url, 0, at + name.length + 2);
}

/**
 * Whether `url` is the SDK, a stand-in, or a file of an open package. An encoded path could lead out of the package.
 */
function isOpen(url: string, homes: readonly string[]): boolean {
  if (url === sdk || url === denied) return true;
  if (url === standIns["node:process"] || url === standIns["node:sqlite"]) return true;
  for (let at = 0; at < homes.length; at++) {
    const home = homes[at] ?? "\0";
    if (startsWith(url, home) && indexOf(slice(url, home.length), "%") < 0) return true;
  }
  return false;
}

/** Throws unless user code may import what resolved to `url`, which is neither a built-in nor open to all. */
function checkUserImport(
  specifier: string,
  url: string,
  folders: readonly string[],
  packages: readonly string[] | true,
): void {
  // A data URL has no permissions of its own; for hosts, Deno checks its import permission.
  if (!startsWith(url, "file:") && !startsWith(url, "npm:")) return;
  if (startsWith(specifier, "npm:")) {
    // A package without "exports" accepts any path, even one that leads out of it.
    const stays = indexOf(specifier, "..") < 0 && indexOf(specifier, "%") < 0;
    if (stays && (packages === true || isListed(specifier, packages))) return;
  } else if (startsWith(url, "file:///") && startsWithAny(realPathSync(pathOf(url)), folders)) return;
  const what = slice(specifier, 0, 200);
  throw new NotCapable(
    `${what} cannot be imported in the sandbox: allowed are its own folder, lib/, nerve, drizzle-orm, zod and Node ` +
      "built-ins; move shared code to lib/; declare packages and hosts under permissions.import in nerve.yaml",
  );
}

function startsWithAny(text: string, prefixes: readonly string[]): boolean {
  for (let at = 0; at < prefixes.length; at++) if (startsWith(text, prefixes[at] ?? "\0")) return true;
  return false;
}

/** Whether `text` is `name`, `name@version` or `name/path` for a name in the list. */
function isListed(text: string, list: readonly string[]): boolean {
  for (let at = 0; at < list.length; at++) {
    const name = list[at] ?? "\0";
    if (!startsWith(text, name)) continue;
    const next = text[name.length];
    if (next === undefined || next === "/" || (next === "@" && startsWith(name, "npm:"))) return true;
  }
  return false;
}

/** The path of a file URL, without a query or fragment such as `?v=2` or `#x`. */
function pathOf(url: string): string {
  let end = url.length;
  const query = indexOf(url, "?"), hash = indexOf(url, "#");
  if (query >= 0) end = query;
  if (hash >= 0 && hash < end) end = hash;
  return decodePath(slice(url, "file://".length, end));
}

/** The real path of a folder: senses may be symbolic links. A folder that does not exist keeps its path. */
function resolveRealPath(folder: string): string {
  try {
    return Deno.realPathSync(folder);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return folder;
    throw thrown;
  }
}
