/**
 * The dashboard's own reads of the control API: columns of senses over time, sizes, permissions, approvers. Part of
 * kernel_api.ts. The store's reading thread does the reads that may take long.
 */
import { NerveError } from "../base/errors.ts";
import { grantContext } from "../config/load.ts";
import { findApproverGrowth, formatApproverGrowth } from "../config/permissions/approver_lock.ts";
import { explainPermissions, type GrantedUnit } from "../config/permissions/grants.ts";
import { createLock, emptyLock, findGrowth, type LockGrowth, readLock } from "../config/permissions/lock_file.ts";
import { groupMembers, type NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { PermissionLockInForce } from "../deploy/permission_lock.ts";
import type { Clock } from "../base/time.ts";
import type { PermissionGrowth, PermissionsReply, SeriesRequest } from "../protocol/dashboard.ts";
import type { TextPage } from "../protocol/text_page.ts";
import { findDatabaseFault } from "../store/maintenance/odd_files.ts";
import type { Store } from "../store/store.ts";
import { ifPresent } from "../base/if_present.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface DashboardReadsPorts {
  readonly current: CurrentConfig;
  readonly lock: PermissionLockInForce;
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly secrets: CurrentSecrets;
  readonly clock: Clock;
}

/** The longest time for which a request blocks the event loop. */
const sliceMs = 5;

export class DashboardReads {
  readonly #ports: DashboardReadsPorts;

  constructor(ports: DashboardReadsPorts) {
    this.#ports = ports;
  }

  /** Null: there is no such sense, or it has no database yet. Errors: STORE_FAILED. */
  async columns(sense: string, gone: AbortSignal): Promise<TextPage | null> {
    const database = this.#findDatabase(sense);
    return database === null ? null : await this.#read({ kind: "columns", database }, gone);
  }

  /** Returns null as `columns` does. Errors: QUERY_INVALID, STORE_FAILED. */
  async series(sense: string, query: SeriesRequest, gone: AbortSignal): Promise<TextPage | null> {
    const database = this.#findDatabase(sense);
    return database === null ? null : await this.#read({ kind: "series", database, query }, gone);
  }

  sizes(gone: AbortSignal): Promise<TextPage> {
    const { data, logDatabase, senseDatabases, blobs, archive } = this.#ports.paths;
    const paths = { data, logDatabase, senseDatabases, blobs, archive };
    return this.#read({ kind: "sizes", paths, now: this.#ports.clock.now() }, gone);
  }

  /** The people of `approvers`. */
  approvers(): string[] {
    return [...this.#ports.current.config.approvers.people.keys()];
  }

  /**
   * The grants in force, and how the nerve.yaml read last differs from the lock on disk. Without `unit`, lists the
   * declared grants of all units; with `unit` (`group:NAME`, `workflow:NAME`), also those that every unit of its kind
   * has. Yields to other work in between: there may be thousands of units.
   */
  async permissions(unit: string | null): Promise<PermissionsReply> {
    const { current: { config, error }, lock, paths, secrets, clock } = this.#ports, found = await readLock(paths);
    const wanted = createLock(lock.wanted ?? config), agreed = found.kind === "read" ? found.lock : emptyLock;
    const items: PermissionsReply["items"] = [];
    let until = clock.monotonic() + sliceMs;
    for (const each of listUnits(config)) {
      if (unit !== null && unit !== `${each.kind}:${each.name}`) continue;
      items.push(this.#describe(config, each, unit !== null));
      if (clock.monotonic() < until) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      until = clock.monotonic() + sliceMs;
    }
    return {
      items,
      lock: {
        exists: found.kind !== "none",
        problem: found.kind === "unusable" ? found.why : null,
        added: secrets.mask(toGrowths(findGrowth(agreed, wanted))),
        removed: secrets.mask(toGrowths(findGrowth(wanted, agreed))),
        approvers: {
          added: findApproverGrowth(agreed.approvers, wanted.approvers).map(formatApproverGrowth),
          removed: findApproverGrowth(wanted.approvers, agreed.approvers)
            .filter(({ name }) => name !== null).map(formatApproverGrowth),
        },
      },
      configError: error,
    };
  }

  #describe(config: NerveConfig, unit: GrantedUnit, isWhole: boolean): PermissionsReply["items"][number] {
    const rows = explainPermissions(config, this.#ports.paths, unit, grantContext);
    const declared = rows.filter(({ declaredBy }) => declaredBy !== null);
    const senses = unit.kind === "group" ? groupMembers(config, unit.name).map(({ name }) => name) : [];
    const grants = (isWhole ? rows : declared).map((row) => ({ ...row }));
    return this.#ports.secrets.mask({ ...unit, senses, grants, implied: rows.length - declared.length });
  }

  #findDatabase(sense: string): string | null {
    if (!this.#ports.current.config.senses.has(sense)) return null;
    const path = this.#ports.paths.senseDatabase(sense);
    if (ifPresent(() => Deno.lstatSync(path)) === null) return null;
    const fault = findDatabaseFault(path);
    if (fault === null) return path;
    throw new NerveError("STORE_FAILED", `${path} ${fault}`, { hint: "move it away: the sense makes a new one" });
  }

  #read(request: Parameters<Store["reads"]["read"]>[0], gone: AbortSignal): Promise<TextPage> {
    const { store, secrets } = this.#ports;
    store.reads.mask(secrets.spellings);
    return store.reads.read(request, gone);
  }
}

function listUnits(config: NerveConfig): GrantedUnit[] {
  const groups = [...config.groups.keys()].filter((name) => groupMembers(config, name).length > 0);
  return [
    ...groups.map((name): GrantedUnit => ({ kind: "group", name })),
    ...[...config.workflows.keys()].map((name): GrantedUnit => ({ kind: "workflow", name })),
  ];
}

function toGrowths(growth: readonly LockGrowth[]): PermissionGrowth[] {
  return growth.map(({ section, name, permission, values }) => ({
    kind: section === "senses" ? "sense" : "workflow",
    name,
    permission,
    values: values === true ? true : [...values],
  }));
}
