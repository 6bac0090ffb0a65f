/**
 * Landlock: the operating system denies this process, and every program that it starts, everything that a list of rules
 * does not name, whatever SQLite, the runtime or such a program does. process/landlock_rules.ts makes the rules,
 * sandbox/shim.ts applies them, and the kernel and `nerve doctor` read the version.
 * I1. `restrictSelf` returns only once every rule that this Linux supports is enforced; else it throws.
 * I2. A path that does not exist is skipped: it cannot be granted.
 * I3. Nothing lifts the restriction. It applies to the calling thread, the threads that it starts later, and their
 *     programs.
 */
import { openCLibrary } from "./c_library.ts";
import { openFlags, openNoFollow, openSymbols } from "./open_no_follow.ts";

/** `write` does not include `read`: a path with both has two rules. `execute` includes `read`. */
export type PathRight = "read" | "write" | "execute";

export interface LandlockRules {
  readonly paths: readonly (readonly [path: string, right: PathRight])[];
  /** TCP ports; null: all of them. */
  readonly connect: readonly number[] | null;
  readonly bind: readonly number[] | null;
  /** The subset of `paths` that must not lead through a link: a program could have just made one (granted_path.ts). */
  readonly unfollowed?: readonly string[];
}

/** The first version of Landlock that supports each feature. */
const since = { refer: 2, truncate: 3, ports: 4, devices: 5, scopes: 6 } as const;

/** Rights as bits of the Linux interface. */
const executeRight = 1n << 0n, readFile = 1n << 2n, readDir = 1n << 3n;
const writeFile = 1n << 1n, truncate = 1n << 14n, ioctlDevice = 1n << 15n, refer = 1n << 13n;
/** Removing folders and files; making folders, files, sockets, pipes and links. Not devices, which nothing grants. */
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

/** Loads what `restrictSelf` needs. It takes 4 ms of processor time (measured, Deno 2.9.6): call it while waiting. */
export function prepareToRestrict(): void {
  if (Deno.build.os === "linux") library ??= openLibrary();
}

let found: number | null = null;

/** The version of this system's Landlock; 0: missing or disabled. */
export function systemLandlock(): number {
  return found ??= readVersion();
}

export const noLandlock = "this system has no Landlock";
/** What to do when Landlock is missing. */
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

/** What this version of Landlock does not enforce, as a sentence; null: it enforces everything. */
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
 * the process can now send signals only to itself and the programs that it starts. `known`: the version to use, instead
 * of the system's.
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
    // If the path is a file, Linux refuses the rights of a folder.
    const added = add(rights[right], fd) || add(rights[right] & fileRights, fd);
    // In /proc and /sys, the system may recreate a file that is not open, and the rule would apply to the old one.
    if (!path.startsWith("/proc/") && !path.startsWith("/sys/")) c.close(fd);
    if (!added) throw new Error(`Landlock refuses the rule ${right} of ${path}`);
  }
  if (version >= since.ports) addPorts(bind, connect, (port) => c.rule(addRule, ruleset, portRule, port, 0n) === 0n);
  if (c.prctl(setNoNewPrivileges, 1n, 0n, 0n, 0n) !== 0) throw new Error("this process cannot renounce new privileges");
  if (c.restrict(restrict, ruleset, 0n) !== 0n) throw new Error("Landlock refuses to restrict this process");
  c.close(Number(ruleset));
  // A caller that relies on this may kill every process of this user, so verify it: signal 0 only checks permission.
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
