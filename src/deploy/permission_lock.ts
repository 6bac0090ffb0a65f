/**
 * The permission lock in force: reads nerve.permissions.lock again at each reload, binds nerve.yaml to it
 * (config/permissions/lock_binding.ts), and reports what is held. Used by config_applier.ts.
 * I1. With an unreadable lock no permission grows: the last readable one stays in force. Without one, running units
 *     continue, and at a start only units without permissions run.
 * I2. A lock that disappears under a running daemon stays in force, because an editor, git or a sync tool may be
 *     replacing it. A requested reload, or a restart, treats it as removed.
 */
import type { Clock } from "../base/time.ts";
import {
  bindToLock,
  type BoundConfig,
  describeHeldApprovers,
  describeHold,
} from "../config/permissions/lock_binding.ts";
import {
  createLock,
  lockAtStart,
  type LockOnDisk,
  type PermissionLock,
  permissionLockName,
  readLock,
} from "../config/permissions/lock_file.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { NewLogRow } from "../protocol/log.ts";

export interface LockReportPorts {
  readonly clock: Clock;
  append(row: NewLogRow): unknown;
  emit(event: KernelEvent): void;
}

export class PermissionLockInForce {
  readonly #paths: WorkspacePaths;
  /** Null: there is no lock, so nothing is bound. */
  #lock: PermissionLock | null = null;
  #problem: string | null = null;
  #wanted: NerveConfig | null = null;
  /** What was reported last, so that each change is reported once. */
  #reported: { problem: string | null; approvers: string | null; readonly holds: Map<string, string> } = {
    problem: null,
    approvers: null,
    holds: new Map(),
  };

  private constructor(paths: WorkspacePaths) {
    this.#paths = paths;
  }

  /** Reads the lock for a start. */
  static async open(paths: WorkspacePaths): Promise<PermissionLockInForce> {
    const opened = new PermissionLockInForce(paths);
    opened.#take(await readLock(paths), null, true);
    return opened;
  }

  /** The fault of the lock on disk, while another lock is in force; else null. */
  get problem(): string | null {
    return this.#problem;
  }

  /** The configuration that nerve.yaml asked for when it was last read, held or not; null before the first time. */
  get wanted(): NerveConfig | null {
    return this.#wanted;
  }

  bindFirst(config: NerveConfig): BoundConfig {
    this.#wanted = config;
    return bindToLock(config, null, this.#lock);
  }

  /** Reads the lock again, and binds `config` to it. `requested`: the user asked for this reload. */
  async rebind(config: NerveConfig, before: BoundConfig, requested: boolean): Promise<BoundConfig> {
    this.#wanted = config;
    this.#take(await readLock(this.#paths), before.config, requested);
    return bindToLock(config, before, this.#lock);
  }

  /** Reports, in the log and on the terminal, holds and problems that were not reported yet. */
  report({ holds, heldApprovers }: BoundConfig, { clock, append, emit }: LockReportPorts): void {
    const ts = clock.now(), last = this.#reported;
    const approvers = heldApprovers === null ? null : `approvers: ${describeHeldApprovers(heldApprovers)}`;
    for (const [message, before] of [[this.#problem, last.problem], [approvers, last.approvers]] as const) {
      if (message === null || message === before) continue;
      append(createRow("kernel", "config.refused", null, message));
      emit({ kind: "problem", source: "kernel", message, ts });
    }
    const messages = new Map(holds.map((hold) => [`${hold.kind}:${hold.name}`, describeHold(hold)]));
    for (const { kind, name } of holds) {
      const source = `${kind}:${name}` as const, message = messages.get(source) ?? "";
      if (last.holds.get(source) === message) continue;
      append(createRow(source, `${kind}.held`, name, message));
      emit({ kind: "problem", source, message, ts });
    }
    this.#reported = { problem: this.#problem, approvers, holds: messages };
  }

  #take(found: LockOnDisk, running: NerveConfig | null, requested: boolean): void {
    if (found.kind === "read") {
      this.#lock = found.lock;
      this.#problem = null;
    } else if (found.kind === "unusable") {
      this.#lock ??= running === null ? lockAtStart(found) : createLock(running);
      this.#problem =
        `${permissionLockName} ${found.why}: no new permissions are granted until nerve permissions approve replaces it`;
    } else if (requested || this.#lock === null) {
      this.#lock = null;
      this.#problem = null;
    } else this.#problem = `${permissionLockName} was removed, and stays in force until nerve reload or the next start`;
  }
}

/** The holds and the problem of the lock, for the reply to a reload. */
export function listLockProblems(
  { holds, heldApprovers }: Pick<BoundConfig, "holds" | "heldApprovers">,
  problem: string | null,
): { about: string; message: string }[] {
  return [
    ...problem === null ? [] : [{ about: permissionLockName, message: problem }],
    ...heldApprovers === null ? [] : [{ about: "approvers", message: describeHeldApprovers(heldApprovers) }],
    ...holds.map((hold) => ({ about: `${hold.kind}:${hold.name}`, message: describeHold(hold) })),
  ];
}

function createRow(
  source: NewLogRow["source"],
  type: NewLogRow["type"],
  refId: string | null,
  message: string,
): NewLogRow {
  return { source, type, refId, causeId: null, payload: { message } };
}
