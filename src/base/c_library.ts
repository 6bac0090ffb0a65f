/**
 * Opens the system's C library: glibc, then musl. Used only in base/ (landlock.ts, seccomp.ts and others), never by
 * user code.
 */
import { messageOf } from "./errors.ts";

const libraries = ["libc.so.6", `libc.musl-${Deno.build.arch}.so.1`, "libc.so"];

/** Throws an Error that lists why each attempt failed. */
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
