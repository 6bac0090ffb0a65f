/**
 * Landlock: the operating system refuses this process, and every program that it starts, all but what a list of rules
 * names, whatever SQLite, the runtime or such a program does. process/landlock_rules.ts makes the rules, sandbox/shim.ts applies them, and the kernel and `nerve doctor` ask for the version.
 * I1. `restrictSelf` returns only when everything that the rules ask for and this Linux can hold is held; else it throws.
 * I2. A path without a file is left out: nothing can be granted that does not exist.
 * I3. Nothing lifts it again. It holds the calling thread, the threads that it starts from then on, and their programs.
 */
import { openCLibrary } from "./c_library.ts";
import { openFlags, openNoFollow, openSymbols } from "./open_no_follow.ts";

/** `write` is not `read`: a path that may be both has two rules. `execute` includes `read`. */
export type PathRight = "read" | "write" | "execute";

export interface LandlockRules {
  readonly paths: readonly (readonly [path: string, right: PathRight])[];
  /** TCP ports; null: all. */
  readonly connect: readonly number[] | null;
  readonly bind: readonly number[] | null;
  /** Of `paths`, those on whose way no link may lie: a program could have just put one there (granted_path.ts). */
  readonly unfollowed?: readonly string[];
}

/** What each version of Landlock added, by the first version that holds it. */
const since = { refer: 2, truncate: 3, ports: 4, devices: 5, scopes: 6 } as const;

/** Rights by their bit in the interface of Linux. */
const executeRight = 1n << 0n, readFile = 1n << 2n, readDir = 1n << 3n;
const writeFile = 1n << 1n, truncate = 1n << 14n, ioctlDevice = 1n << 15n, refer = 1n << 13n;
/** Remove folders and files; make folders, files, sockets, pipes and links. Never devices, which nothing grants. */
const entries = (1n << 4n) | (1n << 5n) | (1n << 7n) | (1n << 8n) | (1n << 9n) | (1n << 10n) | (1n << 12n);
const makeDevices = (1n << 6n) | (1n << 11n);

const rights: Readonly<Record<PathRight, bigint>> = {
  read: readFile | readDir,
  execute: executeRight | readFile | readDir,
  write: writeFile | entries | refer | truncate | ioctlDevice,
};
const allRights = rights.execute | rights.write | makeDevices;
/** The rights that a file can have; Linux refuses any other in the rule of a file. */
const fileRights = executeRight | writeFile | readFile | truncate | ioctlDevice;

const createRuleset = 444n, addRule = 445n, restrict = 446n;
const pathRule = 1n, portRule = 2n, bindRight = 1n, connectRight = 2n;
const scopeAbstractSockets = 1n, scopeSignals = 2n;
const setNoNewPrivileges = 38;

const symbols = {
  ...openSymbols,
  kill: { parameters: ["i32", "i32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  ruleset: { name: "syscall", parameters: ["i64", "buffer", "i64", "i64"], result: "i64" },
  rule: { name: "syscall", parameters: ["i64", "i64", "i64", "buffer", "i64"], result: "i64" },
  restrict: { name: "syscall", parameters: ["i64", "i64", "i64"], result: "i64" },
} as const;

const openLibrary = () => openCLibrary(symbols);
let library: ReturnType<typeof openLibrary> | null = null;

/** Opens what `restrictSelf` needs: 4 ms of processor time (measured, Deno 2.9.6), for whoever waits for something else. */
export function prepareToRestrict(): void {
  if (Deno.build.os === "linux") library ??= openLibrary();
}

let found: number | null = null;

/** The version of this system's Landlock; 0: it has none, or it is switched off. */
export function systemLandlock(): number {
  return found ??= readVersion();
}

export const noLandlock = "this system has no Landlock";
/** What to do about that. */
export const landlockHint =
  "it takes Linux 5.13 or later, with landlock in the kernel's list of security modules (lsm=)";
export const newerLinuxHint = "Linux 6.12 or later holds all of it";

function readVersion(): number {
  if (Deno.build.os !== "linux") return 0;
  const library = openLibrary();
  try {
    return askVersion(library);
  } finally {
    library.close();
  }
}

function askVersion({ symbols }: ReturnType<typeof openLibrary>): number {
  return Math.max(0, Number(symbols.ruleset(createRuleset, null, 0n, 1n)));
}

/** What a system with this version of Landlock does not hold, as a sentence; null: it holds everything. */
export function describeUnheld(version: number): string | null {
  if (version === 0) {
    return `${noLandlock}: only Deno's permissions hold senses and workflows, and nothing holds their programs`;
  }
  const parts = [
    [since.refer, "moving files between folders is refused everywhere"],
    [since.truncate, "cutting files short is not held"],
    [since.ports, "TCP ports are not held"],
    [since.scopes, "signals and abstract sockets are not held"],
  ] as const;
  const lacking = parts.flatMap(([first, what]) => version < first ? [what] : []);
  return lacking.length === 0 ? null : `Landlock is of version ${version} here: ${lacking.join(", ")}`;
}

/**
 * Restricts this process for good. Throws when this system has no Landlock, or when it refuses a rule. Returns whether
 * it can now send signals to nobody but itself and the programs that it starts. `known`: holds no more than that version.
 */
export function restrictSelf(
  { paths, connect, bind, unfollowed = [] }: LandlockRules,
  known?: number,
): boolean {
  const { symbols: c } = library ??= openLibrary(), steps = new Set(unfollowed);
  const version = known ?? askVersion(library);
  if (version < 1) throw new Error(noLandlock);
  const held = heldRights(version),
    attributes = new BigUint64Array([
      held,
      version < since.ports ? 0n : (bind === null ? 0n : bindRight) | (connect === null ? 0n : connectRight),
      version < since.scopes ? 0n : scopeAbstractSockets | scopeSignals,
    ]);
  const ruleset = c.ruleset(createRuleset, new Uint8Array(attributes.buffer), BigInt(attributes.byteLength), 0n);
  if (ruleset < 0n) throw new Error("Landlock refuses to make a ruleset");
  const encoder = new TextEncoder(), rule = new Uint8Array(12), view = new DataView(rule.buffer);
  const add = (allowed: bigint, fd: number) => {
    view.setBigUint64(0, allowed & held, true);
    view.setInt32(8, fd, true);
    return c.rule(addRule, ruleset, pathRule, rule, 0n) === 0n;
  };
  for (const [path, right] of paths) {
    const fd = steps.has(path) ? openNoFollow(c, path) : c.open(encoder.encode(`${path}\0`), openFlags);
    if (fd < 0) continue;
    // It is a file: those of a folder are refused.
    const added = add(rights[right], fd) || add(rights[right] & fileRights, fd);
    // There a file that nobody has open may be made anew when it is next looked up, and the rule would be of the old one.
    if (!path.startsWith("/proc/") && !path.startsWith("/sys/")) c.close(fd);
    if (!added) throw new Error(`Landlock refuses the rule ${right} of ${path}`);
  }
  if (version >= since.ports) addPorts(bind, connect, (port) => c.rule(addRule, ruleset, portRule, port, 0n) === 0n);
  if (c.prctl(setNoNewPrivileges, 1n, 0n, 0n, 0n) !== 0) throw new Error("this process cannot renounce new privileges");
  if (c.restrict(restrict, ruleset, 0n) !== 0n) throw new Error("Landlock refuses to restrict this process");
  c.close(Number(ruleset));
  // Whoever relies on it may end every process of this user: so the system is asked, too. Signal 0 only asks.
  return version >= since.scopes && c.kill(Deno.ppid, 0) !== 0;
}

function heldRights(version: number): bigint {
  let held = allRights;
  if (version < since.refer) held &= ~refer;
  if (version < since.truncate) held &= ~truncate;
  if (version < since.devices) held &= ~ioctlDevice;
  return held;
}

function addPorts(
  bind: LandlockRules["bind"],
  connect: LandlockRules["connect"],
  add: (rule: Uint8Array<ArrayBuffer>) => boolean,
): void {
  for (const [ports, right] of [[bind, bindRight], [connect, connectRight]] as const) {
    for (const port of ports ?? []) {
      if (!add(new Uint8Array(new BigUint64Array([right, BigInt(port)]).buffer))) {
        throw new Error(`Landlock refuses the rule of port ${port}`);
      }
    }
  }
}
