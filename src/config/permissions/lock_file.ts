/**
 * nerve.permissions.lock: the grants that somebody has looked at and agreed to, kept beside nerve.yaml under version
 * control. `nerve validate --lock` writes it, `nerve validate` fails when a sense or workflow may do more than it says.
 * Holds what was declared, not what follows from being that sense: those paths differ from machine to machine.
 * I1. What a sense gains through its group counts as its own, and so do the peers that it may read.
 * I2. Fewer grants are no problem: the lock is a limit, not a description.
 */
import { join } from "node:path";
import * as z from "zod";
import { messageOf } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type ConfigPath, type Problem, quote } from "../diagnostic.ts";
import { ProblemList } from "../diagnostic_list.ts";
import type { ParsedConfig } from "../parse.ts";
import { groupMembers, type NerveConfig, permissionNames, type PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";

export const permissionLockName = "nerve.permissions.lock";

const grants = z.union([z.literal(true), z.array(z.string())]);
/** By permission: everything, or a sorted list. `peers` are the senses whose databases it reads. */
const entry = z.strictObject({
  ...Object.fromEntries(permissionNames.map((name) => [name, grants.optional()])),
  peers: z.union([z.literal("all"), z.array(z.string())]).optional(),
});
const lockSchema = z.strictObject({
  version: z.literal(1),
  senses: z.record(z.string(), entry),
  workflows: z.record(z.string(), entry),
});
type Wanted = readonly string[] | true | "all";
type Entry = Readonly<Record<string, Wanted>>;
export interface PermissionLock {
  readonly version: 1;
  readonly senses: Readonly<Record<string, Entry>>;
  readonly workflows: Readonly<Record<string, Entry>>;
}

/** What the configuration grants today. */
export function createLock(config: NerveConfig): PermissionLock {
  const byName = <T>(entries: [string, T][]) => Object.fromEntries(entries.sort(([a], [b]) => a < b ? -1 : 1));
  const senses = [...config.senses.values()].map(({ name, group, peers }): [string, Entry] => {
    const united = toEntry(groupMembers(config, group).map((member) => member.permissions));
    return [name, { ...united, peers: peers === "all" ? "all" : peers.toSorted() }];
  });
  const workflows = [...config.workflows.values()].map(({ name, permissions }): [string, Entry] => {
    return [name, toEntry([permissions])];
  });
  return { version: 1, senses: byName(senses), workflows: byName(workflows) };
}

function toEntry(requests: readonly PermissionRequest[]): Entry {
  return Object.fromEntries(permissionNames.flatMap((name): [string, Wanted][] => {
    const wanted = requests.map((request) => request[name]).filter((each) => each !== undefined);
    if (wanted.includes(true)) return [[name, true]];
    const values = new Set(wanted.flatMap((each) => each === true ? [] : each));
    return values.size === 0 ? [] : [[name, [...values].sort()]];
  }));
}

/** As it is written: sorted, so that a difference shows what changed. */
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
  return parsed.success ? ok(parsed.data as PermissionLock) : err("is not a lock of permissions that this nerve knows");
}

/** Reads the lock beside nerve.yaml and reports every grant that it does not hold. No lock: no problems. */
export async function checkLock(parsed: ParsedConfig, paths: WorkspacePaths): Promise<Problem[]> {
  const problems = new ProblemList(parsed.placeOf);
  const text = await readLock(paths);
  if (text === null) return [];
  const lock = parseLock(text);
  if (!lock.ok) problems.error([], `${permissionLockName} ${lock.error}`, "nerve validate --lock writes it anew");
  else {
    for (const { path, message } of findGrowth(lock.value, createLock(parsed.config))) {
      problems.error(path, message, "look at what it may do now, then agree to it: nerve validate --lock");
    }
  }
  return problems.sorted();
}

export async function writeLock(config: NerveConfig, paths: WorkspacePaths): Promise<string> {
  const file = join(paths.root, permissionLockName);
  await Deno.writeTextFile(file, formatLock(createLock(config)));
  return file;
}

async function readLock(paths: WorkspacePaths): Promise<string | null> {
  return await ifPresentAsync(() => Deno.readTextFile(join(paths.root, permissionLockName)));
}

/** What `now` grants beyond `lock`, a sentence for each permission of each sense or workflow. Pure. */
export function findGrowth(lock: PermissionLock, now: PermissionLock): { path: ConfigPath; message: string }[] {
  return (["senses", "workflows"] as const).flatMap((section) =>
    Object.entries(now[section]).flatMap(([name, wanted]) => {
      const agreed: Entry = lock[section][name] ?? {};
      return Object.entries(wanted).flatMap(([permission, value]) => {
        const more = describeGrowth(permission, agreed[permission], value);
        // A sense that is new may read its peers as every other one may: what it does with that is its grants' matter.
        if (more === null || (permission === "peers" && lock[section][name] === undefined)) return [];
        const path = permission === "peers" ? [section, name, "peers"] : [section, name, "permissions", permission];
        return [{ path, message: `grew beyond ${permissionLockName}: ${permission} ${more}` }];
      });
    })
  );
}

function describeGrowth(permission: string, agreed: Wanted | undefined, wanted: Wanted): string | null {
  if (agreed === true || agreed === "all") return null;
  if (wanted === true || wanted === "all") return "everything";
  const isPath = permission === "read" || permission === "write" || permission === "ffi";
  const more = wanted.filter((value) =>
    !(agreed ?? []).some((old) => old === value || (isPath && value.startsWith(`${old}/`) && !value.includes("..")))
  );
  return more.length === 0 ? null : more.map(quote).join(", ");
}
