/**
 * Decides which parts of an engine's runs this daemon serves, from the server's deployments and the daemons that are
 * alive. Pure; restate_engine.ts carries it out.
 * I1. A part that no daemon serves is added; a part whose daemon is gone is taken over with the runs that have begun in
 *     it.
 * I2. A daemon with at least two parts fewer than the one with the most takes half of the difference: new runs go to
 *     it.
 */
import type { Deployment } from "./client.ts";
import { type PartNames, partPath } from "./part_names.ts";

export interface PartStep {
  readonly part: number;
  readonly uri: string;
  /** The deployment that moves here; null: a new one. */
  readonly move: string | null;
}

/** Where a part is served now: the deployment with the newest revision of its service. */
export function ownersOf(names: PartNames, deployments: readonly Deployment[]): (Deployment | null)[] {
  return names.map((name) => {
    let owner: Deployment | null = null, newest = -Infinity;
    for (const each of deployments) {
      for (const service of each.services) {
        if (service.name !== name || service.revision <= newest) continue;
        owner = each;
        newest = service.revision;
      }
    }
    return owner;
  });
}

/** The address of the daemon behind a deployment. */
export function daemonOf({ uri }: Deployment): string {
  return uri.replace(/\/part-\d+\/?$/, "");
}

export function planParts(
  endpoint: string,
  owners: readonly (Deployment | null)[],
  isGone: (daemon: string) => boolean,
): PartStep[] {
  const steps: PartStep[] = [], held = new Map<string, number[]>([[endpoint, []]]);
  owners.forEach((owner, part) => {
    const daemon = owner === null ? null : daemonOf(owner),
      taken = daemon === null || isGone(daemon) && daemon !== endpoint;
    if (taken) steps.push({ part, uri: `${endpoint}${partPath(part)}/`, move: owner?.id ?? null });
    const holder = taken ? endpoint : daemon;
    held.set(holder, [...held.get(holder) ?? [], part]);
  });
  if (steps.length > 0) return steps;
  const mine = held.get(endpoint)?.length ?? 0;
  const [richest] = [...held.values()].sort((a, b) => b.length - a.length);
  const surplus = Math.floor(((richest?.length ?? 0) - mine) / 2);
  return (richest ?? []).slice(0, Math.max(0, surplus)).map((part) => ({
    part,
    uri: `${endpoint}${partPath(part)}/`,
    move: owners[part]?.id ?? null,
  }));
}
