/**
 * What this process has open stays its own: a program that it starts gets its three streams, and nothing else. Deno opens
 * files that way, but not the listeners of node:http, and not what this process itself inherited from a shell. Called by
 * the servers of control/ once they listen, and before code and programs of units and agents begin.
 */
import { openCLibrary } from "./c_library.ts";

const closeRange = 436n, firstFile = 3n, lastFile = 0xffffffffn, onlyOnExec = 4n;

/** False where the system cannot: Linux older than 5.11, and other systems. */
export function keepFilesFromPrograms(): boolean {
  if (Deno.build.os !== "linux") return false;
  const library = openCLibrary({ syscall: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" } });
  try {
    return library.symbols.syscall(closeRange, firstFile, lastFile, onlyOnExec) === 0n;
  } finally {
    library.close();
  }
}
