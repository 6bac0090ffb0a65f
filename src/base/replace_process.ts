/** Puts another program into this process: its number, its parent and its open streams stay. Used by sandbox/agent_program_entry.ts. */
import { openCLibrary } from "./c_library.ts";

const brokenPipe = 13;

/** Returns only when `path` cannot be started. Nothing of this program runs any more otherwise, not even its cleaning up. */
export function replaceProcess(path: string, words: readonly string[], env: Readonly<Record<string, string>>): void {
  const { symbols: c } = openCLibrary({
    signal: { parameters: ["i32", "u64"], result: "u64" },
    execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  });
  // Deno ignores that signal, and a program that begins with it ignored writes on into a pipe that nobody reads.
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
