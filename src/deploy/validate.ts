/**
 * Loads every sense and workflow inside its sandbox, as the daemon would, and reports what does not load: missing
 * exports, syntax errors with their place, migrations that do not apply to an empty database. For `nerve validate`.
 * I1. User code runs nowhere but in the sandbox, and the databases of the workspace are only read.
 * I2. A module that never finishes loading is a problem, not a wait.
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/time.ts";
import type { Problem } from "../config/diagnostic.ts";
import { SecretMask } from "../config/permissions/secret_mask.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitPlan } from "../process/ports.ts";
import { tryToLoad } from "./trial_load.ts";
import { planUnits } from "./unit_plans.ts";

/** Processes that are loading at the same time. */
const loadingAtOnce = 2;

/** All problems, in the order of nerve.yaml. Never rejects for what is wrong with user code. */
export async function loadAll(
  config: NerveConfig,
  paths: WorkspacePaths,
  clock: Clock = systemClock,
): Promise<Problem[]> {
  const plans = planUnits(config, paths), found = new Map<UnitPlan, Problem[]>();
  const where: Launch = { runtimeFolder: paths.runtimeFolder, workspace: paths.root };
  const waiting = [...plans];
  await Promise.all(Array.from({ length: loadingAtOnce }, async () => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      found.set(plan, await loadUnit(plan, where, clock));
    }
  }));
  // What fails to load may say what it was granted.
  return SecretMask.fromConfig(config, Deno.env.toObject()).mask(plans.flatMap((plan) => found.get(plan) ?? []));
}

async function loadUnit(plan: UnitPlan, where: Launch, clock: Clock): Promise<Problem[]> {
  const { kind } = plan.spec, section = kind === "group" ? "senses" : "workflows";
  return [...await tryToLoad(plan, where, clock)].flatMap(([name, problems]) =>
    problems.map(({ message, place }): Problem => ({
      severity: "error",
      path: `${section}.${name}`,
      message,
      hint: null,
      place,
    }))
  );
}
