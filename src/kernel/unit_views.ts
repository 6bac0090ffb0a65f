/** What the API shows of units and their processes. Used by kernel_api.ts. */
import type { Clock } from "../base/time.ts";
import { groupMembers } from "../config/types.ts";
import type { CurrentConfig } from "../deploy/current_config.ts";
import { MemoryUse } from "../process/memory_use.ts";
import type { UnitStatus } from "../process/ports.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { UnitView } from "../protocol/api.ts";
import { parseUnitKey, type UnitKey } from "../protocol/unit.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface UnitViewPorts {
  readonly clock: Clock;
  readonly current: CurrentConfig;
  readonly supervisor: Pick<UnitSupervisor, "view" | "listDraining">;
  readonly secrets: CurrentSecrets;
  /** Why the sense does not run as nerve.yaml and its code on disk declare; null when it does. */
  findFault(key: UnitKey, sense: string): string | null;
  findWorkflowFault(workflow: string): string | null;
}

export class UnitViews {
  readonly #ports: UnitViewPorts;
  readonly #memory: MemoryUse;

  constructor(ports: UnitViewPorts) {
    this.#ports = ports;
    this.#memory = new MemoryUse(ports.clock);
  }

  /** Reads the memory of all processes for `list`. */
  refreshMemory(): Promise<void> {
    const { supervisor } = this.#ports;
    return this.#memory.refresh([...supervisor.view(), ...supervisor.listDraining()].flatMap(({ pid }) => pid ?? []));
  }

  /** In the order of nerve.yaml, followed by replaced processes that finish their work. */
  list(): UnitView[] {
    const { supervisor, current } = this.#ports;
    const units = new Map(supervisor.view().map((unit) => [unit.key, unit]));
    const ordered = current.units.map(({ key }) => units.get(key)).filter((unit) => unit !== undefined);
    const reason = "finishes its work on code that was replaced or removed";
    const draining = supervisor.listDraining().map(({ key, pid }): UnitView => ({
      ...{ ...parseUnitKey(key), pid, state: "draining", reason, problem: null, deaths: 0, senses: [] },
      ...this.#memory.of(pid),
    }));
    return [...ordered.map((unit) => this.#view(unit)), ...draining];
  }

  #view({ key, state, reason, pid, deaths }: UnitStatus): UnitView {
    const { current, secrets, findWorkflowFault } = this.#ports, { kind, name } = parseUnitKey(key);
    const members = kind === "group" ? groupMembers(current.config, name).map((sense) => sense.name) : [];
    return {
      ...{ kind, name, state, pid, deaths, senses: members },
      ...this.#memory.of(pid),
      // The reason may contain the process's last output.
      reason: secrets.mask(reason),
      problem: secrets.mask(kind === "group" ? this.#findFaults(key, members) : findWorkflowFault(name)),
    };
  }

  #findFaults(key: UnitKey, senses: readonly string[]): string | null {
    const faults = senses.map((name) => [name, this.#ports.findFault(key, name)]).filter(([, fault]) => fault !== null);
    return faults.length === 0 ? null : faults.map(([name, fault]) => `${name}: ${fault}`).join("; ");
  }
}
