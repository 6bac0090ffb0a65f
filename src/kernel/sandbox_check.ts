/**
 * Loads every sense and workflow inside its sandbox, as the daemon would, and reports what does not load: missing
 * exports, syntax errors with their place, migrations that do not apply to an empty database. For `nerve validate`.
 * I1. User code runs nowhere but in the sandbox, and no database of the workspace is opened.
 * I2. A module that never finishes loading is a problem, not a wait.
 */
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { defaultTimeoutMs } from "../base/limits.ts";
import type { Problem } from "../config/problem.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { ProcessEnd } from "../process/exit_cause.ts";
import { GroupProcess } from "../process/group_process.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitPlan } from "../process/supervisor.ts";
import type { LoadProblem, ProcessSpec } from "../protocol/message.ts";
import { planUnits } from "./units.ts";

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
  return plans.flatMap((plan) => found.get(plan) ?? []);
}

async function loadUnit(plan: UnitPlan, where: Launch, clock: Clock): Promise<Problem[]> {
  const spec = onEmptyDatabases(plan.spec);
  const missing = new Map(
    (spec.workflow === null ? spec.senses : [spec.workflow]).map(({ name, entry }) => [name, entry]),
  );
  const problems: Problem[] = [];
  const { promise: over, resolve } = Promise.withResolvers<ProcessEnd | null>();
  const gone = Promise.withResolvers<void>();
  let process: GroupProcess;
  try {
    process = new GroupProcess(spec, plan.request, where, clock, {
      onReady: () => {},
      onOutput: () => {},
      onMessage: (_, message) => {
        if (message.t !== "loaded" || !missing.delete(message.name)) return;
        problems.push(...message.problems.map((problem) => toProblem(spec, message.name, problem)));
        if (missing.size === 0) resolve(null);
      },
      onEnd: (_, end) => {
        resolve(end);
        gone.resolve();
      },
    });
  } catch (thrown) {
    return [
      toProblem(spec, spec.name, { message: `its process could not be started: ${messageOf(thrown)}`, place: null }),
    ];
  }
  if (spec.workflow !== null) process.send({ t: "load_workflow" });
  for (const { name } of spec.senses) process.send({ t: "load", sense: name });
  const late: ProcessEnd = { kind: "timeout", message: `did not load within ${defaultTimeoutMs / 1000} s` };
  const cancel = clock.after(defaultTimeoutMs, () => resolve(late));
  const end = await over;
  cancel();
  process.kill("ended", "validated");
  await gone.promise;
  for (const [name, file] of missing) {
    const place = { file, line: 1, column: 1 };
    problems.push(toProblem(spec, name, { message: end?.message ?? "did not load", place }));
  }
  return problems;
}

function onEmptyDatabases(spec: ProcessSpec): ProcessSpec {
  return { ...spec, senses: spec.senses.map((sense) => ({ ...sense, database: ":memory:" })) };
}

function toProblem(spec: ProcessSpec, name: string, { message, place }: LoadProblem): Problem {
  const path = `${spec.kind === "group" ? "senses" : "workflows"}.${name}`;
  return { severity: "error", path, message, hint: null, place };
}
