/**
 * nerve.permissions.lock: the grants that the user has reviewed, kept beside nerve.yaml under version control. Only
 * `nerve permissions approve` writes it; lock_binding.ts binds the daemon to it, and `nerve validate` fails when a
 * sense or workflow asks for more. It contains declared grants, not implied ones, whose paths differ between machines.
 * I1. Grants that a sense gains through its group count as its own, and so do the databases that it may read there.
 * I2. Fewer grants are fine: the lock is a limit, not a description.
 * I3. A lock that cannot be read differs from a missing one: its reader must not grant what it may forbid.
 */
import { join } from "node:path";
import * as z from "zod";
import { messageOf, NerveError } from "../../base/errors.ts";
import { isMissing } from "../../base/if_present.ts";
import { configFileMaxBytes } from "../../base/limits.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type ConfigPath, type Diagnostic, quote } from "../diagnostic.ts";
import { DiagnosticList } from "../diagnostic_list.ts";
import type { AgentDefinition } from "../../protocol/agent.ts";
import type { ParsedConfig } from "../parse.ts";
import { type NerveConfig, permissionNames, type PermissionRequest, type SenseConfig } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import {
  findApproverGrowth,
  formatApproverGrowth,
  lockApprovers,
  type LockedApprovers,
  lockedApproversSchema,
} from "./approver_lock.ts";

export const permissionLockName = "nerve.permissions.lock";

const grants = z.union([z.literal(true), z.array(z.string())]);
/** For each permission: everything, or a sorted list. `peers`: the senses whose databases its process reads. */
const entry = z.strictObject({
  ...Object.fromEntries(permissionNames.map((name) => [name, grants.optional()])),
  peers: z.union([z.literal("all"), z.array(z.string())]).optional(),
  /** The agents that a workflow may ask, described: a lock agrees to their programs, not to their names. */
  agents: z.array(z.string()).optional(),
  unconfined: z.literal(true).optional(),
});
const lockSchema = z.strictObject({
  version: z.literal(1),
  senses: z.record(z.string(), entry),
  workflows: z.record(z.string(), entry),
  approvers: lockedApproversSchema.optional(),
});
type Wanted = readonly string[] | true | "all";
type Entry = Readonly<Record<string, Wanted>>;
export interface PermissionLock {
  readonly version: 1;
  readonly senses: Readonly<Record<string, Entry>>;
  readonly workflows: Readonly<Record<string, Entry>>;
  /** Missing: any approvers are agreed to (approver_lock.ts). */
  readonly approvers?: LockedApprovers;
}

/** Agrees to nothing: stands for a lock that cannot be read. */
export const emptyLock: PermissionLock = {
  version: 1,
  senses: {},
  workflows: {},
  approvers: { people: {}, groups: {} },
};

/** The lock that agrees to what the configuration asks for. */
export function createLock(config: NerveConfig): PermissionLock {
  const byName = <T>(entries: [string, T][]) => Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
  const groups = Map.groupBy(config.senses.values(), ({ group }) => group);
  const senses = [...groups.values()].flatMap((members) => {
    const united = toEntry(members.map((member) => member.permissions));
    return members.map(({ name }): [string, Entry] => [name, { ...united, peers: unitePeers(name, members) }]);
  });
  const workflows = [...config.workflows.values()].map(({ name, permissions, peers, agents }): [string, Entry] => {
    const asked = [...agents].map(describeAgent).sort();
    const more = { ...peers.length > 0 && { peers: sortPeers(peers) }, ...asked.length > 0 && { agents: asked } };
    return [name, { ...toEntry([permissions]), ...more }];
  });
  const approvers = lockApprovers(config.approvers);
  return {
    version: 1,
    senses: byName(senses),
    workflows: byName(workflows),
    ...approvers === undefined ? {} : { approvers },
  };
}

/** One process serves the group: what one member may read, all may, and each other's databases too. */
function unitePeers(name: string, members: readonly SenseConfig[]): "all" | string[] {
  if (members.some(({ peers }) => peers === "all")) return "all";
  const named = members.flatMap(({ peers }) => peers === "all" ? [] : peers);
  return [...new Set([...named, ...members.map((member) => member.name)])].filter((peer) => peer !== name).sort();
}

/** Everything about an agent that decides what it may do. */
function describeAgent([name, agent]: readonly [string, AgentDefinition | null]): string {
  if (agent === null) return name;
  const { protocol, command, resume, env, allow, ask, deny, confined, read, scenario } = agent;
  const parts = [
    ...[["resume", resume ?? []], ["env", env], ["allow", allow], ["ask", ask], ["deny", deny]] as const,
    ...[["read", read], ["scenario", scenario ?? []], ["confine", confined ? [] : ["none"]]] as const,
  ];
  const more = parts.flatMap(([key, words]) => words.length === 0 ? [] : [`${key} ${JSON.stringify(words)}`]);
  const program = command.length === 0 ? "" : ` ${JSON.stringify(command)}`;
  return [`${name}: ${protocol}${program}`, ...more].join(", ");
}

function sortPeers(peers: "all" | readonly string[]): "all" | string[] {
  return peers === "all" ? "all" : [...peers].sort();
}

function toEntry(requests: readonly PermissionRequest[]): Entry {
  const unconfined = requests.some((request) => request.unconfined === true);
  const granted = permissionNames.flatMap((name): [string, Wanted][] => {
    const wanted = requests.map((request) => request[name]).filter((each) => each !== undefined);
    if (wanted.includes(true)) return [[name, true]];
    const values = new Set(wanted.flatMap((each) => each === true ? [] : each));
    return values.size === 0 ? [] : [[name, [...values].sort()]];
  });
  return { ...Object.fromEntries(granted), ...unconfined ? { unconfined } : {} };
}

/** The file's text: sorted, so that a diff shows what changed. */
export function formatLock(lock: PermissionLock): string {
  return `${JSON.stringify(lock, null, 2)}\n`;
}

export function parseLock(text: string): Result<PermissionLock, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    return err(`is not JSON: ${messageOf(thrown)}`);
  }
  const parsed = lockSchema.safeParse(json);
  return parsed.success ? ok(parsed.data as PermissionLock) : err("is not a permission lock that this nerve can read");
}

/** The lock beside nerve.yaml. `why`: why it cannot be used, as the end of a sentence about it. */
export type LockOnDisk =
  | { readonly kind: "none" }
  | { readonly kind: "read"; readonly lock: PermissionLock; readonly text: string }
  | { readonly kind: "unusable"; readonly why: string };

/**
 * Never throws. Does not follow a symbolic link: it could lead to a file that a sense may write, or out of what is
 * reviewed.
 */
export async function readLock({ root }: WorkspacePaths): Promise<LockOnDisk> {
  const file = join(root, permissionLockName), unusable = (why: string): LockOnDisk => ({ kind: "unusable", why });
  try {
    const info = await Deno.lstat(file);
    if (!info.isFile) return unusable(info.isSymlink ? "is a symbolic link" : "is not a file");
    if (info.size > lockMaxBytes) return unusable(`is larger than ${lockMaxBytes} bytes`);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(file)), parsed = parseLock(text);
    return parsed.ok ? { kind: "read", lock: parsed.value, text } : unusable(parsed.error);
  } catch (thrown) {
    if (isMissing(thrown)) return { kind: "none" };
    return unusable(thrown instanceof TypeError ? "is not UTF-8 text" : `cannot be read: ${messageOf(thrown)}`);
  }
}

/** The lock repeats the grants of a group for each of its senses, so it may be larger than nerve.yaml. */
const lockMaxBytes = 16 * configFileMaxBytes;

/** Reports every grant of nerve.yaml beyond the lock. Without a lock there are no diagnostics. */
export async function checkLock(parsed: ParsedConfig, paths: WorkspacePaths): Promise<Diagnostic[]> {
  const diagnostics = new DiagnosticList(parsed.placeOf), found = await readLock(paths);
  if (found.kind === "none") return [];
  if (found.kind === "unusable") {
    diagnostics.error([], `${permissionLockName} ${found.why}`, "nerve permissions approve replaces it");
  } else {
    const now = createLock(parsed.config);
    const grown = [
      ...findGrowth(found.lock, now).map((growth) => [growth.path, formatGrowth(growth)] as const),
      ...findApproverGrowth(found.lock.approvers, now.approvers).map((growth) =>
        [growth.path, formatApproverGrowth(growth)] as const
      ),
    ];
    for (const [path, what] of grown) {
      const hint = "review it: nerve permissions diff; then agree to it: nerve permissions approve";
      diagnostics.error(path, `exceeds ${permissionLockName}: ${what}`, hint);
    }
  }
  return diagnostics.sorted();
}

/** Replaces the lock atomically: no reader finds half of it, or none. Throws STORE_FAILED. */
export async function writeLock(lock: PermissionLock, { root }: WorkspacePaths): Promise<string> {
  const file = join(root, permissionLockName), aside = join(root, `.${permissionLockName}.${Deno.pid}.new`);
  try {
    await Deno.writeTextFile(aside, formatLock(lock));
    await Deno.rename(aside, file);
    return file;
  } catch (thrown) {
    await Deno.remove(aside).catch(() => {});
    throw new NerveError("STORE_FAILED", `${file} cannot be written: ${messageOf(thrown)}`, {
      hint: "the lock was not changed; make the workspace writable to this user",
      cause: thrown,
    });
  }
}

/** The lock that binds a start; null: none. */
export function lockAtStart(found: LockOnDisk): PermissionLock | null {
  return found.kind === "none" ? null : found.kind === "read" ? found.lock : emptyLock;
}

/** What one sense or workflow may do beyond a lock, for one permission. */
export interface LockGrowth {
  readonly section: "senses" | "workflows";
  readonly name: string;
  readonly permission: string;
  /** True: everything. */
  readonly values: true | readonly string[];
  /** Where nerve.yaml asks for it. */
  readonly path: ConfigPath;
}

/** What `now` grants beyond `lock`: one entry for each permission of each sense or workflow. Pure. */
export function findGrowth(lock: PermissionLock, now: PermissionLock): LockGrowth[] {
  return (["senses", "workflows"] as const).flatMap((section) =>
    Object.entries(now[section]).flatMap(([name, wanted]) => {
      const agreed = Object.hasOwn(lock[section], name) ? lock[section][name] : undefined;
      return Object.entries(wanted).flatMap(([permission, value]): LockGrowth[] => {
        const values = listMore(permission, agreed?.[permission], value);
        // A new sense may read its peers like any other; its other grants limit what it can do with them.
        const isUsual = permission === "peers" && section === "senses" && agreed === undefined;
        if (values === null || isUsual) return [];
        const path = ["peers", "agents"].includes(permission)
          ? [section, name, permission]
          : [section, name, "permissions", permission];
        return [{ section, name, permission, values, path }];
      });
    })
  );
}

/** The permission and the values beyond the lock: `net "example.org"`, `read everything`. */
export function formatGrowth({ permission, values }: LockGrowth): string {
  if (permission === "unconfined") return permission;
  return `${permission} ${values === true ? "everything" : values.map(quote).join(", ")}`;
}

function listMore(permission: string, agreed: Wanted | undefined, wanted: Wanted): LockGrowth["values"] | null {
  if (agreed === true || agreed === "all") return null;
  if (wanted === true || wanted === "all") return true;
  const isPath = permission === "read" || permission === "write" || permission === "ffi";
  const more = wanted.filter((value) =>
    !(agreed ?? []).some((old) => old === value || (isPath && value.startsWith(`${old}/`) && !value.includes("..")))
  );
  return more.length === 0 ? null : more;
}
