/**
 * The configuration in force, and the units that it defines. Created before all its readers; only config_applier.ts
 * changes it.
 */
import type { NerveConfig } from "../config/types.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { UnitKey } from "../protocol/unit.ts";

export class CurrentConfig {
  #config: NerveConfig;
  readonly #units = new Map<UnitKey, UnitPlan>();
  /**
   * What is wrong with the nerve.yaml on disk while an older one is in force; null when the file itself is in force.
   */
  error: string | null = null;

  constructor(config: NerveConfig) {
    this.#config = config;
  }

  get config(): NerveConfig {
    return this.#config;
  }

  /** In the order of nerve.yaml. */
  get units(): readonly UnitPlan[] {
    return [...this.#units.values()];
  }

  findUnit(key: UnitKey): UnitPlan | undefined {
    return this.#units.get(key);
  }

  setConfig(config: NerveConfig): void {
    this.#config = config;
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
