/**
 * The configuration in force, and the units that it defines. Created before all its readers; only config_applier.ts
 * changes it.
 */
import { type BoundConfig, describeHold, type Hold } from "../config/permissions/lock_binding.ts";
import type { NerveConfig } from "../config/types.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { UnitKey } from "../protocol/unit.ts";

export class CurrentConfig {
  #bound: BoundConfig;
  readonly #units = new Map<UnitKey, UnitPlan>();
  /** The errors of the nerve.yaml on disk while an older one is in force; null when the file itself is in force. */
  error: string | null = null;

  constructor(config: NerveConfig, holds: readonly Hold[] = [], heldApprovers: string | null = null) {
    this.#bound = { config, holds, heldApprovers };
  }

  get config(): NerveConfig {
    return this.#bound.config;
  }

  /** The configuration, and the parts of nerve.yaml that are not in force because they exceed the permission lock. */
  get bound(): BoundConfig {
    return this.#bound;
  }

  /** Whether a part of the unit's new version is held: then its code stays too, as long as its process runs. */
  isHeld(key: UnitKey): boolean {
    return this.#bound.holds.some(({ unit }) => unit === key);
  }

  /** Why the version in nerve.yaml is not in force; null when it is. */
  describeHold(kind: Hold["kind"], name: string): string | null {
    const hold = this.#bound.holds.find((each) => each.kind === kind && each.name === name);
    return hold === undefined ? null : describeHold(hold);
  }

  /** The units in the order of nerve.yaml. */
  get units(): readonly UnitPlan[] {
    return [...this.#units.values()];
  }

  findUnit(key: UnitKey): UnitPlan | undefined {
    return this.#units.get(key);
  }

  setConfig(bound: BoundConfig): void {
    this.#bound = bound;
  }

  /** Adds the unit, or replaces its plan, at the end of the order. */
  putUnit(plan: UnitPlan): void {
    this.#units.delete(plan.key);
    this.#units.set(plan.key, plan);
  }

  removeUnit(key: UnitKey): void {
    this.#units.delete(key);
  }
}
