/**
 * Loads every sense and workflow in its sandbox, as the daemon would, and reports what does not load: missing exports,
 * syntax errors with their place, migrations that do not apply to an empty database. Used by `nerve validate`.
 * I1. User code runs only in the sandbox, and the databases of the workspace are only read.
 * I2. Code that exceeds the permission lock is not loaded (trial_load.ts): checking a workspace approves nothing.
 * I3. A module that never finishes loading is reported as a problem.
 */
import { systemClock } from "../base/clock.ts";
import type { Clock } from "../base/time.ts";
import type { Diagnostic } from "../config/diagnostic.ts";
import { readEnvironment } from "../config/environment.ts";
import { bindToLock } from "../config/permissions/lock_binding.ts";
import { lockAtStart, readLock } from "../config/permissions/lock_file.ts";
import { SecretMask } from "../config/permissions/secret_mask.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitPlan } from "../process/ports.ts";
import { launchFor, tryToLoad } from "./trial_load.ts";
import { planUnits } from "./unit_plans.ts";

/** How many processes load at the same time. */
const loadingAtOnce = 2;

/** All problems, in the order of nerve.yaml. Never rejects because of user code. */
export async function loadAll(
  config: NerveConfig,
  paths: WorkspacePaths,
  clock: Clock = systemClock,
): Promise<Diagnostic[]> {
  const bound = bindToLock(config, null, lockAtStart(await readLock(paths)));
  const plans = planUnits(bound.config, paths, bound.holds), found = new Map<UnitPlan, Diagnostic[]>();
  const where = launchFor(paths);
  const waiting = [...plans];
  await Promise.all(Array.from({ length: loadingAtOnce }, async () => {
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      found.set(plan, await loadUnit(plan, where, clock));
    }
  }));
  // An error message may contain a secret that was granted to the code.
  return SecretMask.fromConfig(config, readEnvironment(config, paths)).mask(
    plans.flatMap((plan) => found.get(plan) ?? []),
  );
}

async function loadUnit(plan: UnitPlan, where: Launch, clock: Clock): Promise<Diagnostic[]> {
  const { kind } = plan.spec, section = kind === "group" ? "senses" : "workflows";
  return [...await tryToLoad(plan, where, clock)].flatMap(([name, problems]) =>
    problems.map(({ message, place }): Diagnostic => ({
      severity: "error",
      path: `${section}.${name}`,
      message,
      hint: null,
      place,
    }))
  );
}
