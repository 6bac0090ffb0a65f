/** Names of the parts that spread an engine's runs over its daemons. Each part is a service with its own path. Pure. */
import { engineParts } from "../base/engine_limits.ts";

/** The names of the services, by part. */
export type PartNames = readonly string[];

export function namePart(service: string, part: number): string {
  return `${service}-${part}`;
}

export function nameParts(service: string): PartNames {
  return Array.from({ length: engineParts }, (_, part) => namePart(service, part));
}

export function partPath(part: number): string {
  return `/part-${part}`;
}

/** Where a daemon serves calls to itself. */
export const daemonPath = "/daemon";

/** The service of a daemon itself. */
export function nameDaemon(service: string, endpoint: string): string {
  return `${service}-daemon-${hashOf(endpoint).toString(16)}`;
}

/** The part of a run: the same for every daemon. */
export function partOf(runId: string): number {
  return hashOf(runId) % engineParts;
}

/** FNV-1a */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
