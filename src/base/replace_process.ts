/**
 * Replaces the program of this process (execve): the pid, the parent and the open streams stay. Used by
 * sandbox/agent_program_entry.ts.
 */
import { openCLibrary } from "./c_library.ts";

const brokenPipe = 13;

/**
 * Returns only when `path` cannot be started. Otherwise nothing of this program runs any more, not even its cleanup.
 */
export function replaceProcess(path: string, words: readonly string[], env: Readonly<Record<string, string>>): void {
  const { symbols: c } = openCLibrary({
    signal: { parameters: ["i32", "u64"], result: "u64" },
    execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  });
  // Deno ignores SIGPIPE, and a program that inherits this would keep writing into a pipe without a reader.
  c.signal(brokenPipe, 0n);
  const kept: Uint8Array[] = [];
  const toText = (text: string) => {
    const bytes = new TextEncoder().encode(`${text}\0`);
    kept.push(bytes);
    return bytes;
  };
  const toList = (texts: readonly string[]) => {
    const pointers = texts.map((text) => BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(toText(text)))));
    return new Uint8Array(new BigUint64Array([...pointers, 0n]).buffer);
  };
  c.execve(toText(path), toList(words), toList(Object.entries(env).map(([name, value]) => `${name}=${value}`)));
}
