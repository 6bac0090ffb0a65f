/**
 * Keeps the open files of this process from the programs that it starts: they get their three streams, and nothing
 * else. Deno opens files that way, but not the listeners of node:http, nor files that this process inherited from a
 * shell. Called by the servers of control/ once they listen, and before code and programs of units and agents begin.
 */
import { openCLibrary } from "./c_library.ts";

const closeRange = 436n, firstFile = 3n, lastFile = 0xffffffffn, onlyOnExec = 4n;

/** Returns false where the system does not support it: Linux before 5.11, and other systems. */
export function keepFilesFromPrograms(): boolean {
  if (Deno.build.os !== "linux") return false;
  const library = openCLibrary({ syscall: { parameters: ["i64", "i64", "i64", "i64"], result: "i64" } });
  try {
    return library.symbols.syscall(closeRange, firstFile, lastFile, onlyOnExec) === 0n;
  } finally {
    library.close();
  }
}
