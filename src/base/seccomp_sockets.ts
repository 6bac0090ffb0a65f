/**
 * A filter of system calls that denies this process, and every program that it starts, all Unix sockets that could
 * reach another program: Landlock does not restrict those that have a path. Called by sandbox/agent_program_entry.ts,
 * after Landlock: Linux takes a filter only from a process that has renounced new privileges.
 * I1. Allowed are pairs of connected streams, with which a program talks to its children, and sockets of every other
 *     family. A pair of datagram sockets is refused: such a socket reaches any other that has a name.
 * I2. Nothing bypasses the filter: neither calls of another architecture, nor a ring of calls (io_uring).
 */
import {
  allow,
  answer,
  architectureAt,
  argumentAt,
  callAt,
  foreignCalls,
  installFilter,
  type Instruction,
  jumpIfAtLeast,
  jumpIfEqual,
  keepBits,
  load,
  notImplemented,
  refuse,
  ringSetup,
} from "./seccomp.ts";

interface Architecture {
  readonly number: number;
  /** The numbers of the calls. */
  readonly socket: number;
  readonly socketPair: number;
}

/** Linux's call numbers, by Deno's name of the architecture. */
const architectures: Readonly<Record<string, Architecture>> = {
  x86_64: { number: 0xc000003e, socket: 41, socketPair: 53 },
  aarch64: { number: 0xc00000b7, socket: 198, socketPair: 199 },
};
const unixFamily = 1, accessDenied = 13;
/** Types of sockets that stay connected to the end they were made with; the type has flags above these bits. */
const streamType = 1, packetsType = 5, typeBits = 0xf;

function buildFilter({ number, socket, socketPair }: Architecture): Instruction[] {
  return [
    [load, 0, 0, architectureAt],
    [jumpIfEqual, 0, 12, number],
    [load, 0, 0, callAt],
    [jumpIfAtLeast, 10, 0, foreignCalls],
    [jumpIfEqual, 9, 0, ringSetup],
    [jumpIfEqual, 3, 0, socketPair],
    [jumpIfEqual, 0, 8, socket],
    [load, 0, 0, argumentAt(0)],
    [jumpIfEqual, 4, 6, unixFamily],
    [load, 0, 0, argumentAt(1)],
    [keepBits, 0, 0, typeBits],
    [jumpIfEqual, 3, 0, streamType],
    [jumpIfEqual, 2, 0, packetsType],
    refuse(accessDenied),
    refuse(notImplemented),
    [answer, 0, 0, allow],
  ];
}

/** Throws when this system does not accept such a filter. */
export function refuseUnixSockets(): void {
  const architecture = architectures[Deno.build.arch];
  if (architecture === undefined) throw new Error(`there is no filter of Unix sockets for ${Deno.build.arch}`);
  installFilter(buildFilter(architecture), "Unix sockets");
}
