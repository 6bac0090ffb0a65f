/**
 * Gives the senses their processes: sensing and the scheduler speak of senses, the supervisor of units. Made by wiring.ts.
 */
import type { CurrentConfig } from "../deploy/current_config.ts";
import type { Supervisor } from "../process/supervisor.ts";
import { groupKey } from "../protocol/unit.ts";

/** Starts the process of a sense's group, which is needed soon, and loads the sense. */
export function prepareSense(sense: string, { config }: CurrentConfig, supervisor: Supervisor): void {
  const group = config.senses.get(sense)?.group;
  if (group === undefined) return;
  const key = groupKey(group), process = supervisor.process(key);
  // Loading its module takes half as long as the start: that should not wait for the tick either.
  if (process !== null && !process.ready) process.send({ t: "load", sense });
  supervisor.released(key);
}
