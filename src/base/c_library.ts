/** Opens the system's C library: glibc, then musl. Used by landlock.ts and datagram.ts, and by nothing that user code reaches. */
import { messageOf } from "./errors.ts";

const libraries = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

/** Throws with what each attempt came to. */
export function openCLibrary<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols> {
  const faults: string[] = [];
  for (const name of libraries) {
    try {
      return Deno.dlopen(name, symbols);
    } catch (thrown) {
      faults.push(messageOf(thrown));
    }
  }
  throw new Error(`the C library cannot be opened: ${faults.join("; ")}`);
}
