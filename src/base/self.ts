/** How to start nerve again: the same executable with other arguments. The same in every form that nerve comes in. */
import { fileURLToPath } from "node:url";

/** A compiled nerve is one file; else Deno runs our sources, from a clone or beside a Deno of their own. */
export const isCompiled: boolean = Reflect.get(Deno.build, "standalone") === true;

/**
 * Deno's flags for running on nerve's own packages only, fetching nothing. The lock beside deno.json says which version
 * of each package it is: without it Deno wants the registry's word.
 */
export const ownPackages: readonly string[] = ["--frozen", "--cached-only"];

/** The lock beside deno.json. The built forms have none: their packages are files of their own (build/vendor.ts). */
export const ownLock: URL = new URL("../../deno.lock", import.meta.url);

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

/**
 * What comes after `Deno.execPath()` and before nerve's own arguments. A compiled nerve has Deno's flags inside, and
 * always begins at main.ts. Under Deno another `entry`, a path below src/, spares what main.ts brings along: Deno
 * resolves the whole graph of it, what it imports dynamically included, which is 20 ms for the command line.
 */
export function selfArguments(
  flags: readonly string[] = ownPackages,
  entry: string = "main.ts",
  rights: readonly string[] = ["-A"],
): string[] {
  if (isCompiled) return [];
  const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
  return [
    "run",
    ...rights,
    "--quiet",
    "--no-prompt",
    ...flags,
    "-c",
    path("../../deno.json"),
    path(`../${entry}`),
  ];
}
