/**
 * What the dashboard reads beside the rest of the control API: columns of senses over time, sizes, permissions, approvers.
 * Part of kernel_api.ts. What may take long is read by the store's reading thread.
 */
import { NerveError } from "../base/errors.ts";
import { grantContext, loadNerveConfig } from "../config/load.ts";
import { formatProblems } from "../config/diagnostic.ts";
import { explainPermissions, type GrantedUnit } from "../config/permissions/grants.ts";
import { createLock, emptyLock, findGrowth, type LockGrowth, readLock } from "../config/permissions/lock_file.ts";
import { groupMembers, type NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { Clock } from "../base/time.ts";
import type { PermissionGrowth, PermissionsReply, SeriesRequest } from "../protocol/dashboard.ts";
import type { TextPage } from "../protocol/text_page.ts";
import { findDatabaseFault } from "../store/maintenance/odd_files.ts";
import type { Store } from "../store/store.ts";
import { ifPresent } from "../base/if_present.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface DashboardReadsPorts {
  readonly current: CurrentConfig;
  readonly paths: WorkspacePaths;
  readonly store: Store;
  readonly secrets: CurrentSecrets;
  readonly clock: Clock;
}

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

  /** As `columns`. Errors: QUERY_INVALID, STORE_FAILED. */
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

  /** Of the configuration in force; the comparison is of nerve.yaml and the lock as they are on disk. */
  async permissions(): Promise<PermissionsReply> {
    const { current: { config }, paths, secrets } = this.#ports;
    const [found, loaded] = await Promise.all([readLock(paths), loadNerveConfig(paths)]);
    const wanted = createLock(loaded.ok ? loaded.value.config : config);
    const agreed = found.kind === "read" ? found.lock : emptyLock;
    return secrets.mask({
      items: listUnits(config).map(({ kind, name }) => ({
        kind,
        name,
        senses: kind === "group" ? groupMembers(config, name).map((sense) => sense.name) : [],
        grants: explainPermissions(config, paths, { kind, name }, grantContext).map((row) => ({ ...row })),
      })),
      lock: {
        exists: found.kind !== "none",
        problem: found.kind === "unusable" ? found.why : null,
        added: toGrowths(findGrowth(agreed, wanted)),
        removed: toGrowths(findGrowth(wanted, agreed)),
      },
      configError: loaded.ok ? null : formatProblems(loaded.error, "text"),
    });
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
