/**
 * A filter of system calls that refuses this process, and every program that it starts, all Unix sockets that could
 * reach another program: Landlock does not hold those that have a path. Called by sandbox/confined_program.ts, after
 * Landlock: Linux takes a filter only from a process that has renounced new privileges.
 * I1. What passes is not looked at further: pairs of connected streams, with which a program talks to its children, and
 *     sockets of every other family. A pair of datagrams does not: such a socket reaches any other that has a name.
 * I2. No second way leads around it: neither calls of another architecture, nor a ring of calls (io_uring).
 */
import { openCLibrary } from "./c_library.ts";

interface Architecture {
  readonly number: number;
  /** The numbers of its calls. */
  readonly socket: number;
  readonly socketPair: number;
}

/** By the name of the architecture in Deno, as Linux numbers them. */
const architectures: Readonly<Record<string, Architecture>> = {
  x86_64: { number: 0xc000003e, socket: 41, socketPair: 53 },
  aarch64: { number: 0xc00000b7, socket: 198, socketPair: 199 },
};
const ringSetup = 425, foreignCalls = 0x40000000, unixFamily = 1;
/** Types of sockets that stay with the other end they were made with; the type has flags above these bits. */
const streamType = 1, packetsType = 5, typeBits = 0xf;

/** Instructions of the filter: load a word of the call, compare, and answer. */
const load = 0x20, keepBits = 0x54, jumpIfEqual = 0x15, jumpIfAtLeast = 0x35, answer = 0x06;
/** Where the call has its number, its architecture, and its arguments: the family of the socket, and its type. */
const callAt = 0, architectureAt = 4, familyAt = 16, typeAt = 24;
const allow = 0x7fff0000, refuse = 0x00050000, accessDenied = 13, notImplemented = 38;

const setSeccomp = 22, filterMode = 2n;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** A jump counts the instructions that it leaves out. */
function buildFilter({ number, socket, socketPair }: Architecture): Instruction[] {
  return [
    [load, 0, 0, architectureAt],
    [jumpIfEqual, 0, 12, number],
    [load, 0, 0, callAt],
    [jumpIfAtLeast, 10, 0, foreignCalls],
    [jumpIfEqual, 9, 0, ringSetup],
    [jumpIfEqual, 3, 0, socketPair],
    [jumpIfEqual, 0, 8, socket],
    [load, 0, 0, familyAt],
    [jumpIfEqual, 4, 6, unixFamily],
    [load, 0, 0, typeAt],
    [keepBits, 0, 0, typeBits],
    [jumpIfEqual, 3, 0, streamType],
    [jumpIfEqual, 2, 0, packetsType],
    [answer, 0, 0, refuse | accessDenied],
    [answer, 0, 0, refuse | notImplemented],
    [answer, 0, 0, allow],
  ];
}

/** Throws when this system takes no such filter. */
export function refuseUnixSockets(): void {
  const architecture = architectures[Deno.build.arch];
  if (architecture === undefined) throw new Error(`there is no filter of Unix sockets for ${Deno.build.arch}`);
  const instructions = buildFilter(architecture), code = new Uint8Array(instructions.length * 8);
  const view = new DataView(code.buffer);
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
    throw new Error("this system takes no filter of Unix sockets");
  }
}
