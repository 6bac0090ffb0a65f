/** What a program of an agent is started with that is confined (sandbox/agent_program_entry.ts). */
import type { LandlockRules } from "../base/landlock.ts";

/** The variable that holds it, as JSON. */
export const confinementVariable = "NERVE_CONFINEMENT";

export interface ProgramConfinement {
  readonly rules: LandlockRules;
  /** Variables that were set for the start alone. */
  readonly unset: readonly string[];
  /** Those of the program that could not be set before it. */
  readonly set: Readonly<Record<string, string>>;
}
