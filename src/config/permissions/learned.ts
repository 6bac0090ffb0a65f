/**
 * Derives the smallest `permissions` block from what a sense requested of Deno. Pure; deploy/learn_permissions.ts
 * supplies Deno's audit lines, `nerve sense learn` prints the result.
 */
import { dirname } from "node:path";
import { stringify } from "yaml";
import { type PermissionName, permissionNames, type PermissionRequest } from "../types.ts";
import type { PermissionRow } from "./grants.ts";
import { pathContains } from "./path_contains.ts";

/** One permission request; null requests everything of its kind. */
export interface Asked {
  readonly permission: PermissionName;
  readonly value: string | null;
}

export interface Learned {
  /** The smallest block: every request, granted or not, that is not implied. */
  readonly needed: PermissionRequest;
  /** The part of `needed` that the current block does not grant. */
  readonly missing: PermissionRequest;
  /** Declared in the current block, but not requested. */
  readonly unused: PermissionRequest;
}

/** With more paths than this in one folder, the block names the folder instead. */
const pathsMax = 5;

/** The first module of the sandbox: earlier requests came from the shim. */
const firstModule = /\/sandbox\/worker_main\.[jt]s$/;

/**
 * Reads lines of DENO_AUDIT_PERMISSIONS (Deno 2.9.6), from the last read of the sandbox's first module onwards: the
 * shim also reads that module, before it builds the walls.
 */
export function readAudit(text: string): Asked[] {
  const asked: Asked[] = [];
  let started = false;
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const { permission, value } = JSON.parse(line) as { permission: string; value: string | null };
    if (value !== null && firstModule.test(value)) {
      started = true;
      asked.length = 0;
    }
    const known = permissionNames.find((name) => name === permission);
    if (started && known !== undefined) {
      asked.push({ permission: known, value: value === null ? null : toGrantValue(known, value) });
    }
  }
  return asked;
}

/** Deno reports a host as an address or a URL, a module file as a URL. */
function toGrantValue(permission: PermissionName, value: string): string {
  if (!URL.canParse(value) || !value.includes("://")) return value;
  const url = new URL(value);
  if (permission === "read" || permission === "write") return decodeURIComponent(url.pathname);
  const port = url.port !== "" ? url.port : url.protocol === "http:" || url.protocol === "ws:" ? "80" : "443";
  return `${url.hostname}:${port}`;
}

/** `implied`: the rows that need no declaration; `declared`: the rows of the current block. */
export function derivePermissions(
  asked: readonly Asked[],
  implied: readonly PermissionRow[],
  declared: readonly PermissionRow[],
): Learned {
  const needed: Partial<Record<PermissionName, true | string[]>> = {};
  const missing: Partial<Record<PermissionName, true | string[]>> = {};
  const unused: Partial<Record<PermissionName, true | string[]>> = {};
  for (const permission of permissionNames) {
    const mine = asked.filter((each) => each.permission === permission && !isGranted(implied, each));
    if (mine.length > 0) needed[permission] = minimizeGrants(permission, mine);
    const more = mine.filter((each) => !isGranted(declared, each));
    if (more.length > 0) missing[permission] = minimizeGrants(permission, more);
    const idle = declared.filter((row) =>
      row.permission === permission && !mine.some((each) => isGranted([row], each))
    );
    if (idle.length > 0) {
      unused[permission] = idle.some(({ value }) => value === true) ? true : idle.map(({ value }) => String(value));
    }
  }
  // No audit shows what programs would need it for: it stays as declared.
  const isUnconfined = declared.some(({ permission }) => permission === "unconfined");
  return { needed: { ...needed, ...isUnconfined && { unconfined: true as const } }, missing, unused };
}

function isGranted(rows: readonly PermissionRow[], { permission, value }: Asked): boolean {
  return rows.some((row) => {
    if (row.permission !== permission) return false;
    if (row.value === true || value === null) return row.value === true;
    if (permission === "read" || permission === "write" || permission === "ffi") return pathContains(row.value, value);
    if (permission === "env" && row.value.endsWith("*")) return value.startsWith(row.value.slice(0, -1));
    // A host without a port covers all ports.
    return row.value === value || (permission === "net" && value.startsWith(`${row.value}:`));
  });
}

function minimizeGrants(permission: PermissionName, asked: readonly Asked[]): true | string[] {
  if (asked.some(({ value }) => value === null)) return true;
  const values = [...new Set(asked.flatMap(({ value }) => value ?? []))].sort();
  if (permission !== "read" && permission !== "write") return values;
  const folders = Map.groupBy(values, (value) => dirname(value));
  const named = [...folders].flatMap(([folder, paths]) => paths.length > pathsMax && folder !== "/" ? [folder] : paths);
  return named.filter((path) => !named.some((other) => other !== path && pathContains(other, path))).sort();
}

/** The block as written in nerve.yaml, under the sense. */
export function formatPermissionsYaml(request: PermissionRequest): string {
  if (Object.keys(request).length === 0) return "permissions: {}";
  return stringify({ permissions: request }, { flowCollectionPadding: false, collectionStyle: "block" }).trimEnd();
}
