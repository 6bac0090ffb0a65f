/**
 * Tries to load a unit's code in a separate process, in its own sandbox, on empty databases, and reports what does not
 * load. Used by `nerve validate` (validate.ts), and for new code before it replaces the old (reload.ts).
 * I1. The databases of the workspace are only read, and no other part of the kernel sees the process.
 * I2. A module that never finishes loading is reported as a problem.
 * I3. Code that another user may change is not loaded (config/trust.ts).
 * I4. Code that must not run is not loaded either: even its first line would run with unapproved permissions.
 */
import { dirname } from "node:path";
import { defaultTimeoutMs, loadsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { listSocketFolders } from "../config/runtime_folder.ts";
import { describeUntrustedCode } from "../config/trust.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { ProcessEnd } from "../process/exit_cause.ts";
import { type Isolation, systemIsolation } from "../process/isolation.ts";
import type { Launch } from "../process/launcher.ts";
import type { UnitPlan } from "../process/ports.ts";
import { UnitProcess } from "../process/unit_process.ts";
import { watchTrial } from "../process/watched_trial.ts";
import type { LoadProblem, ProcessSpec } from "../protocol/message.ts";

/** The parts that do not load, by the name of the sense or workflow. */
export type TrialProblems = ReadonlyMap<string, readonly LoadProblem[]>;

const late: ProcessEnd = { kind: "timeout", message: `did not load within ${defaultTimeoutMs / 1000} s` };

/** Never rejects because of user code. When `signal` aborts, parts that have not loaded are reported as problems. */
export async function tryToLoad(
  plan: UnitPlan,
  where: Launch,
  clock: Clock,
  signal?: AbortSignal,
): Promise<TrialProblems> {
  if (plan.blocked !== null) return new Map();
  const spec = withEmptyDatabases(plan.spec);
  const parts = spec.workflow === null ? spec.senses : [spec.workflow], waiting = spec.senses.map(({ name }) => name);
  const untrusted = findUntrusted(parts);
  if (untrusted.size > 0) return untrusted;
  const missing = new Map(parts.map(({ name, entry }) => [name, entry]));
  const problems = new Map<string, readonly LoadProblem[]>();
  const { promise: over, resolve } = Promise.withResolvers<ProcessEnd | null>();
  const ended = Promise.withResolvers<void>();
  const process = new UnitProcess(spec, { ...plan.request, trial: true }, where, clock, {
    // The start of the process has a limit of its own, and is slow on a busy machine.
    onReady: () => limitTime(),
    onOutput: () => {},
    onPrograms: () => {},
    onMessage: (_, message) => {
      if (message.t !== "loaded" || !missing.delete(message.name)) return;
      if (message.problems.length > 0) problems.set(message.name, message.problems);
      if (missing.size === 0) return resolve(null);
      loadNext();
      limitTime();
    },
    onEnd: (_, end) => {
      resolve(end);
      ended.resolve();
    },
    isBusy: () => true,
  });
  const loadNext = () => {
    const sense = waiting.shift();
    if (sense !== undefined) process.send({ t: "load", sense, taken: null });
  };
  let cancel = () => {};
  // The time counts from the last part that loaded: a group may hold thousands.
  const limitTime = () => {
    cancel();
    cancel = clock.after(defaultTimeoutMs, () => resolve(late));
  };
  process.begin();
  const unwatch = watchTrial(process, plan.request, clock);
  if (spec.workflow !== null) process.send({ t: "load_workflow" });
  for (let begun = 0; begun < loadsMax; begun++) loadNext();
  const giveUp = () => resolve({ kind: "ended", message: "the trial was cut short" });
  signal?.addEventListener("abort", giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  const end = await over;
  cancel();
  signal?.removeEventListener("abort", giveUp);
  process.kill("ended", "the trial is done");
  await ended.promise.finally(unwatch);
  for (const [name, file] of missing) {
    problems.set(name, [{ message: end?.message ?? "did not load", place: { file, line: 1, column: 1 } }]);
  }
  return problems;
}

function findUntrusted(parts: readonly { readonly name: string; readonly entry: string }[]): TrialProblems {
  return new Map(parts.flatMap(({ name, entry }): [string, LoadProblem[]][] => {
    const message = describeUntrustedCode(dirname(entry));
    return message === null ? [] : [[name, [{ message, place: { file: entry, line: 1, column: 1 } }]]];
  }));
}

/** How processes of the workspace are started; without a kernel, with every kind of isolation that this system has. */
export function launchFor(paths: WorkspacePaths, isolation: Isolation | null = null): Launch {
  return {
    socketFolders: listSocketFolders(paths),
    workspace: paths.root,
    tempFolder: isolation === null ? null : paths.temp,
    isolation: isolation ?? systemIsolation(),
  };
}

/** The spec for a trial: the databases of the workspace may at most be read. */
export function withEmptyDatabases(spec: ProcessSpec): ProcessSpec {
  const real = new Set(spec.senses.map(({ database }) => database)), { write } = spec.permissions;
  const kept = typeof write === "boolean" ? write : write.filter((path) => !real.has(path));
  return {
    ...spec,
    permissions: { ...spec.permissions, write: typeof kept !== "boolean" && kept.length === 0 ? false : kept },
    senses: spec.senses.map((sense) => ({ ...sense, database: ":memory:", tryFor: sense.database })),
  };
}
