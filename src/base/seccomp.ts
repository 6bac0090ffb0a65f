/**
 * Filters of system calls (seccomp): small programs that compare the words of a call and return an action. Used by
 * seccomp_sockets.ts and seccomp_programs.ts, after Landlock: Linux takes a filter only from a process that has
 * renounced new privileges. A filter applies to the calling thread, the threads that it starts later, and their
 * programs; nothing lifts it.
 */
import { openCLibrary } from "./c_library.ts";

/**
 * Instructions of a filter: load a word of the call, compare, and answer. A jump is the number of instructions to skip.
 */
export const load = 0x20, keepBits = 0x54, jumpIfEqual = 0x15, jumpIfAtLeast = 0x35, jumpIfAnyBit = 0x45, answer = 0x06;
/** The offsets of a call's number, architecture and arguments. */
export const callAt = 0, architectureAt = 4, argumentAt = (index: number): number => 16 + 8 * index;
export const allow = 0x7fff0000, notImplemented = 38;
/** The first number of calls of another ABI of the same architecture (x32). */
export const foreignCalls = 0x40000000;
/** Sets up a ring of calls that no filter sees (io_uring). */
export const ringSetup = 425;

export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** Makes the call fail with this error number. */
export const refuse = (error: number): Instruction => [answer, 0, 0, 0x00050000 | error];

const setSeccomp = 22, filterMode = 2n;

/** Throws when this system accepts no filter. `name`: what the filter restricts. */
export function installFilter(instructions: readonly Instruction[], name: string): void {
  const code = new Uint8Array(instructions.length * 8), view = new DataView(code.buffer);
  for (const [at, [operation, ifTrue, ifFalse, value]] of instructions.entries()) {
    view.setUint16(8 * at, operation, true);
    view.setUint8(8 * at + 2, ifTrue);
    view.setUint8(8 * at + 3, ifFalse);
    view.setUint32(8 * at + 4, value, true);
  }
  const program = new Uint8Array(16), head = new DataView(program.buffer);
  head.setUint16(0, instructions.length, true);
  head.setBigUint64(8, BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(code))), true);
  const { symbols } = openCLibrary({ prctl: { parameters: ["i32", "u64", "buffer", "u64", "u64"], result: "i32" } });
  if (symbols.prctl(setSeccomp, filterMode, program, 0n, 0n) !== 0) {
    throw new Error(`this system takes no filter of ${name}`);
  }
}
