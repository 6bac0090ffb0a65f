/** The confinement with which a confined agent's program is started (sandbox/agent_program_entry.ts). */
import type { LandlockRules } from "../base/landlock.ts";

/** The variable that holds the confinement, as JSON. */
export const confinementVariable = "NERVE_CONFINEMENT";

export interface ProgramConfinement {
  readonly rules: LandlockRules;
  /** Variables that were set for the start alone. */
  readonly unset: readonly string[];
  /** Variables of the program that could not be set before. */
  readonly set: Readonly<Record<string, string>>;
}
