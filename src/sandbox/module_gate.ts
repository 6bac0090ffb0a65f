/**
 * Decides what code in the sandbox may import: the folders of its own unit, `lib/`, `nerve`, the open packages, harmless
 * Node built-ins, packages and hosts that `permissions.import` names. Called once by worker_main.ts, before user code.
 * Deno checks the read permission of files when it runs from source, but not in a compiled program, and never that of
 * npm packages (measured on Deno 2.9.6): so each import is looked at here, on the real path of its file.
 * I1. Nothing here calls a method of a prototype after `closeModules` has returned: user code may replace any of them.
 * I2. A built-in that is not known here is closed, also one that a newer Deno brings.
 * The hook takes the place of the import map for built-ins (an active hook switches that off, measured on 2.9.6), and
 * unlike the map it also covers packages. The map of deno.json says the same once more.
 */
import * as nodeModule from "node:module";
import type { ModuleRules } from "../protocol/message.ts";

interface Resolved {
  readonly url: string;
  readonly shortCircuit?: boolean;
}
type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context: unknown) => Resolved,
) => Resolved;

/** Built-ins that act on nothing but what permissions cover. All others act on the process, threads or sockets. */
const openBuiltins: ReadonlySet<string> = new Set([
  ...["assert", "assert/strict", "async_hooks", "buffer", "console", "constants", "crypto", "diagnostics_channel"],
  ...["dns", "dns/promises", "events", "fs", "fs/promises", "os", "path", "path/posix", "path/win32", "perf_hooks"],
  ...["punycode", "querystring", "readline", "readline/promises", "sqlite", "stream", "stream/consumers"],
  ...["stream/promises", "stream/web", "string_decoder", "sys", "timers", "timers/promises", "url", "util"],
  ...["util/types", "zlib"],
  // Static parts of this stream library; they hold no descriptor.
  ...["_stream_duplex", "_stream_passthrough", "_stream_readable", "_stream_transform", "_stream_writable"],
].map((name) => `node:${name}`));

/** Whether user code may have this built-in, by its address such as `node:fs`. */
export function isOpenBuiltin(url: string): boolean {
  return openBuiltins.has(url);
}

const denied = import.meta.resolve("./modules/denied.ts");
const ownProcess = import.meta.resolve("./modules/process.ts");

/** Puts the gate up. `rules` are those of this process's unit. */
export function closeModules(rules: ModuleRules): void {
  const resolve = gate(rules);
  // Not in the types of Deno 2.9.6.
  const register: unknown = Reflect.get(nodeModule, "registerHooks");
  if (typeof register !== "function") throw new Error("nerve bug: this Deno has no module hooks");
  register({ resolve });
}

/** A method as a function of its object, which later changes of the prototype do not reach. */
function uncurry<This, Args extends unknown[], Result>(
  method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
  return Function.prototype.bind.call(Function.prototype.call, method) as (self: This, ...args: Args) => Result;
}

// Taken now: this module is loaded before any code of a user.
const startsWith = uncurry(String.prototype.startsWith), slice = uncurry(String.prototype.slice);
const indexOf = uncurry(String.prototype.indexOf), lastIndexOf = uncurry(String.prototype.lastIndexOf);
const has = uncurry(Set.prototype.has);
const decode = decodeURIComponent, { realPathSync } = Deno, { NotCapable } = Deno.errors;
const own = import.meta.resolve("../"), sdk = import.meta.resolve("../sdk/mod.ts");

function gate(rules: ModuleRules): Resolve {
  const folders = rules.folders.flatMap((folder) =>
    [...new Set([folder, realOrSame(folder)])].map((each) => `${each}/`)
  );
  const isUsers = (parent: string | undefined): boolean => {
    if (parent === undefined || !startsWith(parent, "file:///")) return true;
    return startsWithOneOf(pathOf(parent), folders);
  };
  let open: readonly string[] | null = null;
  return (specifier, context, next) => {
    const resolved = next(specifier, context), { url } = resolved, { parentURL } = context;
    if (parentURL !== undefined && startsWith(parentURL, own)) return resolved;
    if (startsWith(url, "node:")) {
      if (has(openBuiltins as Set<string>, url)) return resolved;
      // A refusal of a built-in that is imported statically would be overheard: another module takes its place.
      return { url: url === "node:process" ? ownProcess : denied, shortCircuit: true };
    }
    if (!isUsers(parentURL)) return resolved;
    // Open to all, beside the SDK: the query builder of `ctx.db`, and schemas.
    open ??= [homeOf("drizzle-orm", context, next), homeOf("zod", context, next)];
    if (!isOpen(url, open)) checkUsers(specifier, url, folders, rules.packages);
    return resolved;
  };
}

/**
 * Where the files of a package of ours are. Not by its name: `zod/../../secret.json` begins with it, and where a package
 * has no such path Deno takes the words for a path beside the file that imports it.
 */
function homeOf(name: string, context: object, next: Parameters<Resolve>[2]): string {
  const { url } = next(name, { ...context, parentURL: own }), at = lastIndexOf(url, `/${name}/`);
  return at < 0 ? url : slice(url, 0, at + name.length + 2);
}

/** Whether it is the SDK, a stand-in, or a file of an open package; an encoded path may lead out of its home. */
function isOpen(url: string, homes: readonly string[]): boolean {
  if (url === sdk || url === denied || url === ownProcess) return true;
  for (let at = 0; at < homes.length; at++) {
    const home = homes[at] ?? "\0";
    if (startsWith(url, home) && indexOf(slice(url, home.length), "%") < 0) return true;
  }
  return false;
}

/** Throws unless code of a user may import what resolved to `url`, which is no built-in and not open to all. */
function checkUsers(
  specifier: string,
  url: string,
  folders: readonly string[],
  packages: readonly string[] | true,
): void {
  // Data has no rights of its own; for hosts Deno asks its import permission.
  if (!startsWith(url, "file:") && !startsWith(url, "npm:")) return;
  if (startsWith(specifier, "npm:")) {
    // A package without "exports" takes any path, also one that leads out of it.
    const stays = indexOf(specifier, "..") < 0 && indexOf(specifier, "%") < 0;
    if (stays && (packages === true || names(specifier, packages))) return;
  } else if (startsWith(url, "file:///") && startsWithOneOf(realPathSync(pathOf(url)), folders)) return;
  const what = slice(specifier, 0, 200);
  throw new NotCapable(
    `${what} is not for the sandbox to import: there are its own folder, lib/, nerve, drizzle-orm, zod and Node built-ins; ` +
      "what is shared moves to lib/; packages and hosts are declared under permissions.import in nerve.yaml",
  );
}

function startsWithOneOf(text: string, prefixes: readonly string[]): boolean {
  for (let at = 0; at < prefixes.length; at++) if (startsWith(text, prefixes[at] ?? "\0")) return true;
  return false;
}

/** `name`, `name@version` or `name/path`, for one of the names. */
function names(text: string, list: readonly string[]): boolean {
  for (let at = 0; at < list.length; at++) {
    const name = list[at] ?? "\0";
    if (!startsWith(text, name)) continue;
    const next = text[name.length];
    if (next === undefined || next === "/" || (next === "@" && startsWith(name, "npm:"))) return true;
  }
  return false;
}

/** Without what may follow the path: `?v=2`, `#x`. */
function pathOf(url: string): string {
  let end = url.length;
  const query = indexOf(url, "?"), hash = indexOf(url, "#");
  if (query >= 0) end = query;
  if (hash >= 0 && hash < end) end = hash;
  return decode(slice(url, "file://".length, end));
}

/** Where a folder really is: people link senses from elsewhere. What is not there yet is where it says. */
function realOrSame(folder: string): string {
  try {
    return Deno.realPathSync(folder);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return folder;
    throw thrown;
  }
}
