/**
 * nerve.permissions.lock: the grants that somebody has reviewed, kept beside nerve.yaml under version control.
 * `nerve validate --lock` writes it; `nerve validate` fails when a sense or workflow may do more than it says.
 * It holds declared grants, not implied ones, whose paths differ between machines.
 * I1. Grants that a sense gains through its group count as its own, and so do the peers it may read.
 * I2. Fewer grants are fine: the lock is a limit, not a description.
 */
import { join } from "node:path";
import * as z from "zod";
import { messageOf } from "../../base/errors.ts";
import { ifPresentAsync } from "../../base/if_present.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { type ConfigPath, type Diagnostic, quote } from "../diagnostic.ts";
import { DiagnosticList } from "../diagnostic_list.ts";
import type { ParsedConfig } from "../parse.ts";
import { groupMembers, type NerveConfig, permissionNames, type PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";

export const permissionLockName = "nerve.permissions.lock";

const grants = z.union([z.literal(true), z.array(z.string())]);
/** For each permission: everything, or a sorted list. `peers`: the senses whose databases it reads. */
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

/** The lock for the current configuration. */
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

/** Reads the lock beside nerve.yaml and reports every grant beyond it. Without a lock there are no diagnostics. */
export async function checkLock(parsed: ParsedConfig, paths: WorkspacePaths): Promise<Diagnostic[]> {
  const diagnostics = new DiagnosticList(parsed.placeOf);
  const text = await readLock(paths);
  if (text === null) return [];
  const lock = parseLock(text);
  if (!lock.ok) diagnostics.error([], `${permissionLockName} ${lock.error}`, "nerve validate --lock rewrites it");
  else {
    for (const { path, message } of findGrowth(lock.value, createLock(parsed.config))) {
      diagnostics.error(path, message, "review the new grant, then accept it: nerve validate --lock");
    }
  }
  return diagnostics.sorted();
}

export async function writeLock(config: NerveConfig, paths: WorkspacePaths): Promise<string> {
  const file = join(paths.root, permissionLockName);
  await Deno.writeTextFile(file, formatLock(createLock(config)));
  return file;
}

async function readLock(paths: WorkspacePaths): Promise<string | null> {
  return await ifPresentAsync(() => Deno.readTextFile(join(paths.root, permissionLockName)));
}

/** What `now` grants beyond `lock`: one message for each permission of each sense or workflow. Pure. */
export function findGrowth(lock: PermissionLock, now: PermissionLock): { path: ConfigPath; message: string }[] {
  return (["senses", "workflows"] as const).flatMap((section) =>
    Object.entries(now[section]).flatMap(([name, wanted]) => {
      const agreed: Entry = lock[section][name] ?? {};
      return Object.entries(wanted).flatMap(([permission, value]) => {
        const more = describeGrowth(permission, agreed[permission], value);
        // A new sense may read its peers like any other; its other grants limit what it can do with them.
        if (more === null || (permission === "peers" && lock[section][name] === undefined)) return [];
        const path = permission === "peers" ? [section, name, "peers"] : [section, name, "permissions", permission];
        return [{ path, message: `exceeds ${permissionLockName}: ${permission} ${more}` }];
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
