/**
 * A filter of system calls that denies a unit's programs the ways around Landlock's rules. Called by sandbox/shim.ts,
 * after Landlock, where a unit may start programs or load libraries; the unit's own code cannot make these calls.
 * I1. No TCP connection bypasses Landlock: neither as MPTCP or SMC, nor with the first data (TCP Fast Open), nor
 *     through a ring of calls (io_uring).
 * I2. No program takes over the process that started it, which has Deno's caches open, with the compiled code of nerve
 *     itself. So no program may trace another process, or take its files or memory.
 * I3. No program changes the limits of another process: a limit of processor time would end it, even the daemon.
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
  jumpIfAnyBit,
  jumpIfAtLeast,
  jumpIfEqual,
  load,
  notImplemented,
  refuse,
  ringSetup,
} from "./seccomp.ts";

type Call = "socket" | "sendTo" | "sendMessage" | "sendMessages" | "limits" | "trace" | "readMemory" | "writeMemory";

/** Linux's call numbers, by Deno's name of the architecture. */
const architectures: Readonly<Record<string, Readonly<Record<Call | "number", number>>>> = {
  x86_64: {
    ...{ number: 0xc000003e, socket: 41, sendTo: 44, sendMessage: 46, sendMessages: 307 },
    ...{ limits: 302, trace: 101, readMemory: 310, writeMemory: 311 },
  },
  aarch64: {
    ...{ number: 0xc00000b7, socket: 198, sendTo: 206, sendMessage: 211, sendMessages: 269 },
    ...{ limits: 261, trace: 117, readMemory: 270, writeMemory: 271 },
  },
};
const takeFile = 438;
const sharedMemoryFamily = 43, multipath = 262, fastOpen = 0x20000000;
const notPermitted = 1, noProtocol = 93, notSupported = 95, noFamily = 97;
const pass: Instruction = [answer, 0, 0, allow];

const refuseFlag = (argument: number, flag: number): Instruction[] => [
  [load, 0, 0, argumentAt(argument)],
  [jumpIfAnyBit, 0, 1, flag],
  refuse(notSupported),
  pass,
];

const refuseSockets: readonly Instruction[] = [
  [load, 0, 0, argumentAt(0)],
  [jumpIfEqual, 0, 1, sharedMemoryFamily],
  refuse(noFamily),
  [load, 0, 0, argumentAt(2)],
  [jumpIfEqual, 0, 1, multipath],
  refuse(noProtocol),
  pass,
];

/** A process may read the limits of any other, and change its own (pid 0). */
const refuseLimits: readonly Instruction[] = [
  [load, 0, 0, argumentAt(0)],
  [jumpIfEqual, 4, 0, 0],
  [load, 0, 0, argumentAt(2)],
  [jumpIfEqual, 0, 3, 0],
  [load, 0, 0, argumentAt(2) + 4],
  [jumpIfEqual, 0, 1, 0],
  pass,
  refuse(notPermitted),
];

/** Throws when this system does not accept such a filter. */
export function refuseReach(): void {
  const calls = architectures[Deno.build.arch];
  if (calls === undefined) throw new Error(`there is no filter of programs for ${Deno.build.arch}`);
  const never = [refuse(notPermitted)];
  const parts: readonly (readonly [call: number, what: readonly Instruction[]])[] = [
    [calls.socket, refuseSockets],
    [calls.sendTo, refuseFlag(3, fastOpen)],
    [calls.sendMessage, refuseFlag(2, fastOpen)],
    [calls.sendMessages, refuseFlag(3, fastOpen)],
    [calls.limits, refuseLimits],
    [ringSetup, [refuse(notImplemented)]],
    ...[calls.trace, calls.readMemory, calls.writeMemory, takeFile].map((call) => [call, never] as const),
  ];
  installFilter([
    [load, 0, 0, architectureAt],
    [jumpIfEqual, 1, 0, calls.number],
    refuse(notImplemented),
    [load, 0, 0, callAt],
    [jumpIfAtLeast, 0, 1, foreignCalls],
    refuse(notImplemented),
    ...parts.flatMap(([call, what]): Instruction[] => [[jumpIfEqual, 0, what.length, call], ...what]),
    pass,
  ], "programs");
}
