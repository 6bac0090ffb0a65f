/**
 * Prepares the processes of senses: the scheduler knows senses, the supervisor knows units. Used by wiring.ts.
 */
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { UnitSupervisor } from "../process/unit_supervisor.ts";
import type { SenseManager } from "../sensing/manager.ts";
import { groupKey } from "../protocol/unit.ts";

/** Starts the process of a sense's group ahead of time, and loads the sense in it. */
export function prepareSense(
  sense: string,
  { config }: CurrentConfig,
  supervisor: Pick<UnitSupervisor, "getOrStartProcess" | "release">,
  senses: Pick<SenseManager, "allowDelivery">,
): void {
  const group = config.senses.get(sense)?.group;
  if (group === undefined) return;
  const key = groupKey(group), process = supervisor.getOrStartProcess(key);
  // Loading its module takes half as long as the start of the process: that should not wait for the tick either.
  if (process !== null && !process.ready) process.send({ t: "load", sense, taken: senses.allowDelivery(sense) });
  supervisor.release(key);
}
