/**
 * Fetches what computes returned but the kernel did not record, after a process or the daemon died: has processes load
 * the senses whose database was left open; they then deliver what their outbox holds. Created by wiring.ts.
 * I1. It loads few senses at a time, and none whose unit may not start.
 */
import { recoveredAtOnceMax } from "../base/limits.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import { groupKey, type UnitKey } from "../protocol/unit.ts";
import type { SenseManager } from "../sensing/manager.ts";

export interface OutboxRecoveryPorts {
  readonly current: CurrentConfig;
  readonly supervisor: Pick<UnitSupervisor, "getOrStartProcess" | "release">;
  readonly senses: Pick<SenseManager, "allowDelivery">;
  /** The folder of the senses' databases. */
  readonly databases: string;
}

export class OutboxRecovery {
  readonly #ports: OutboxRecoveryPorts;
  readonly #waiting = new Set<string>();
  /** Senses being loaded, each with its unit. */
  readonly #loading = new Map<string, UnitKey>();
  /** Units whose process died, until they may start again. */
  readonly #died = new Set<UnitKey>();

  constructor(ports: OutboxRecoveryPorts) {
    this.#ports = ports;
  }

  /** Loads those of the senses whose database was left open when they last ran. */
  recover(senses: Iterable<string>): void {
    for (const sense of senses) if (this.#wasLeftOpen(sense)) this.#waiting.add(sense);
    this.#loadNext();
  }

  onLoaded(sense: string): void {
    if (this.#loading.delete(sense)) this.#loadNext();
  }

  /** `died`: nerve did not end the process. */
  onEnd(unit: UnitKey, died: boolean): void {
    if (died) this.#died.add(unit);
    for (const [sense, of] of this.#loading) if (of === unit) this.#loading.delete(sense);
    this.#loadNext();
  }

  /** The unit may start. Its senses that died with its process are loaded again. */
  onAvailable(unit: UnitKey, senses: Iterable<string>): void {
    if (this.#died.delete(unit)) this.recover(senses);
  }

  #loadNext(): void {
    const { current: { config }, supervisor, senses } = this.#ports;
    for (const sense of this.#waiting) {
      if (this.#loading.size >= recoveredAtOnceMax) return;
      this.#waiting.delete(sense);
      const group = config.senses.get(sense)?.group;
      if (group === undefined) continue;
      const unit = groupKey(group);
      // Due computes start first.
      const process = supervisor.getOrStartProcess(unit, { asked: false, dueAt: Infinity });
      if (process === null) continue;
      this.#loading.set(sense, unit);
      process.send({ t: "load", sense, taken: senses.allowDelivery(sense) });
      supervisor.release(unit);
    }
  }

  /** SQLite removes the -wal file when the last connection closes the database. */
  #wasLeftOpen(sense: string): boolean {
    try {
      return Deno.statSync(`${this.#ports.databases}/${sense}.db-wal`).size > 0;
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return false;
      throw thrown;
    }
  }
}
