/** Reads `approvers` of nerve.yaml: who may decide requests, and with which keys. Called by build.ts. */
import { parseSshPublicKey } from "../base/ssh_key.ts";
import type { Approvers } from "../protocol/approver.ts";
import { namePattern } from "../base/name_pattern.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { FileShape } from "./schema.ts";

export function buildApprovers(file: FileShape, diagnostics: DiagnosticList): Approvers {
  const people = new Map<string, readonly string[]>(), groups = new Map<string, readonly string[]>();
  /** The owner of each key: if two people shared a key, no one could tell which of them has decided. */
  const owners = new Map<string, string>();
  const entries = Object.entries(file.approvers ?? {});
  for (const [name, entry] of entries) {
    const path = ["approvers", name];
    if (!namePattern.test(name)) {
      diagnostics.error(path, `${quote(name)} is not a name`, "use 1 to 64 lowercase letters, digits and hyphens");
    }
    if (Array.isArray(entry)) continue;
    const lines = entry === null ? [] : [entry.key].flat();
    if (lines.length === 0) diagnostics.error(path, "has no key", "write { key: ssh-ed25519 AAAA... }");
    people.set(name, lines.flatMap((line) => readKey(line, name, owners, [...path, "key"], diagnostics) ?? []));
  }
  for (const [name, entry] of entries) {
    if (!Array.isArray(entry)) continue;
    if (entry.length === 0) diagnostics.error(["approvers", name], "is a group of nobody", "write [ada, bob]");
    groups.set(name, entry);
    entry.forEach((member, at) => {
      if (people.has(member)) return;
      const what = entries.some(([other]) => other === member) ? "is a group itself" : "is not an approver";
      diagnostics.error(["approvers", name, at], `${quote(member)} ${what}`, "name people who have a key here");
    });
  }
  return { people, groups };
}

function readKey(
  line: string,
  name: string,
  owners: Map<string, string>,
  path: ConfigPath,
  diagnostics: DiagnosticList,
): string | null {
  const key = parseSshPublicKey(line);
  if (!key.ok) {
    diagnostics.error(path, key.error, "paste the line of the .pub file that ssh-keygen has written");
    return null;
  }
  const { blob } = key.value, owner = owners.get(blob);
  if (owner !== undefined) {
    diagnostics.error(path, `is the key of ${owner} as well`, "give each person a key of their own");
  }
  owners.set(blob, name);
  return blob;
}
