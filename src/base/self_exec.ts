/** How to start nerve again: the same executable with other arguments. The same in every form that nerve comes in. */
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

/** A compiled nerve is one file; else Deno runs our sources, from a clone or beside a Deno of their own. */
export const isCompiled: boolean = Reflect.get(Deno.build, "standalone") === true;

/**
 * A file or folder of nerve's own, by its path below src/. A bundle lies in a folder there, as every room does, so that
 * this holds in it as well.
 */
export function resolveOwnFile(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

/** Where tools/build/bundle.ts puts what becomes of an entry: one file that holds all it needs. Both paths are below src/. */
export function toBundlePath(entry: string): string {
  return `bundle/${entry.replaceAll("/", "_").replace(/\.ts$/, ".js")}`;
}

const isBundled = import.meta.url.endsWith(".js");

/** The module with which a process or a thread of nerve's begins; `entry` as above. */
export function resolveOwnEntry(entry: string): URL {
  return resolveOwnFile(isBundled ? toBundlePath(entry) : entry);
}

/**
 * Deno's flags for running on nerve's own packages only, fetching nothing. The lock beside deno.json says which version
 * of each package it is: without it Deno wants the registry's word.
 */
export const ownPackages: readonly string[] = ["--frozen", "--cached-only"];

/** The lock beside deno.json. The built forms have none: their packages are files of their own (tools/build/vendor.ts). */
export const ownLock: URL = resolveOwnFile("../deno.lock");

/** Deno's flags for a bundle; in the header of the portable form too (tools/build/portable.ts). */
export const bundleFlags: readonly string[] = [
  "--cached-only",
  "--no-remote",
  "--no-lock",
  "--no-config",
  ...manifest.unstable.map((name) => `--unstable-${name}`),
];

/**
 * V8's flags for a process that is to stay small. V8 keeps up to 48 MiB for young objects of a busy program; a kernel with
 * 1,000 senses does as much with 12. What was needed to load its code a process gives back after 30 s; with these after 2,
 * which is 2 MiB of a group's 22 and 7 of a kernel's 38.
 */
export const smallHeap: readonly string[] = [
  "--max-semi-space-size=4",
  "--gc-memory-reducer-start-delay-ms=1000",
  "--memory-reducer-delay-ms=500",
];

/** The program to start. Linux adds " (deleted)" once its file was removed; what was unpacked again has the old name. */
export function findOwnProgram(): string {
  return Deno.execPath().replace(/ \(deleted\)$/, "");
}

/** For a process that loads code of others as well. */
export interface Guests {
  readonly rights: readonly string[];
  /** Deno's flags for their packages. */
  readonly packages: readonly string[];
}

/**
 * What comes after `findOwnProgram()` and before nerve's own arguments. A compiled nerve has Deno's flags inside, and
 * always begins at main.ts. Under Deno another `entry`, a path below src/, spares what main.ts brings along: Deno
 * resolves the whole graph of it, what it imports dynamically included, which is 20 ms for the command line.
 * A bundle imports nothing, and so needs deno.json only for its guests: Deno would take 7 ms to read it.
 */
export function buildSelfArguments(entry: string = "main.ts", guests: Guests | null = null): string[] {
  if (isCompiled) return [];
  const config = ["-c", fileURLToPath(resolveOwnFile("../deno.json"))];
  const alone = isBundled ? bundleFlags : [...ownPackages, ...config];
  const packages = guests === null ? alone : [...guests.packages, ...config];
  return [
    "run",
    ...guests?.rights ?? ["-A"],
    "--quiet",
    "--no-prompt",
    ...packages,
    fileURLToPath(resolveOwnEntry(entry)),
  ];
}
