/**
 * Runs one compute of a sense in its sandbox without a daemon, for `nerve sense trigger --dry`: alone in a process,
 * with the permissions that it declares, on a copy of its database, with signals that the user gives.
 * I1. Neither the workspace's databases nor its log are written, and the compute causes no signal or run. Whatever else
 *     its code does (a request, a program, a file, a blob) is real.
 * I2. With a permission lock, a sense that asks for more than was approved does not run.
 */
import { formatDuration } from "../base/duration.ts";
import { assert } from "../base/errors.ts";
import { makeSharedFiles } from "../base/shared_files.ts";
import type { Clock } from "../base/time.ts";
import { makeRuntimeFolder } from "../config/runtime_folder.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { UnitProcess } from "../process/unit_process.ts";
import { watchTrial } from "../process/watched_trial.ts";
import type { FromProcess } from "../protocol/message.ts";
import type { HandedSignal, Signal } from "../protocol/signal.ts";
import { groupKey } from "../protocol/unit.ts";
import { type OutputRoute, routeSenseComputeOutput } from "../sensing/directive.ts";
import { placeAlone, requireApproval } from "./lone_sense.ts";
import { launchFor } from "./trial_load.ts";
import { planUnits } from "./unit_plans.ts";

type Outcome = Extract<FromProcess, { t: "outcome" }>["outcome"];
type LogLine = Pick<Extract<FromProcess, { t: "log" }>, "level" | "message" | "data">;

export interface DryResult {
  /** The outcome of the compute: a signal and a run are those that a daemon would make of it. */
  readonly outcome: Exclude<Outcome, { kind: "value" }> | OutputRoute | {
    readonly kind: "ended";
    readonly message: string;
  };
  readonly ranMs: number | null;
  /** What its code logged. */
  readonly log: readonly LogLine[];
}

export interface DryOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The signals that the compute receives; empty: it is triggered by hand. */
  readonly signals: readonly HandedSignal[];
  /** The path of the copy of its database, which must be in a folder of its own. */
  readonly database: string;
}

/** The sense must be configured. */
export async function computeDry(
  config: NerveConfig,
  paths: WorkspacePaths,
  name: string,
  { clock, signal, signals, database }: DryOptions,
): Promise<DryResult> {
  const alone = placeAlone(config, name), sense = alone.senses.get(name);
  assert(sense !== undefined, `sense ${name} is configured`);
  await requireApproval(alone, paths, name);
  // The sense's own database is the copy; its peers are the real ones.
  const there = { ...paths, senseDatabase: (of: string) => of === name ? database : paths.senseDatabase(of) };
  const plan = planUnits(alone, there).find(({ key }) => key === groupKey(name));
  assert(plan !== undefined, `sense ${name} has a group`);
  makeRuntimeFolder(paths);
  const where = launchFor(paths), log: LogLine[] = [];
  const over = Promise.withResolvers<Pick<DryResult, "outcome" | "ranMs">>(), ended = Promise.withResolvers<void>();
  const process = new UnitProcess(plan.spec, plan.request, where, clock, {
    onReady: () => {},
    onOutput: () => {},
    onPrograms: () => {},
    isBusy: () => true,
    onMessage: (_, message) => {
      if (message.t === "log") log.push({ level: message.level, message: message.message, data: message.data });
      else if (message.t === "unshared") makeSharedFiles(there.senseDatabase(message.sense));
      // The copy also contains the value of an earlier compute; the daemon has it, or will get it from the real
      // database.
      else if (message.t === "undelivered") process.send({ t: "taken", sense: name, fault: null });
      else if (message.t === "outcome") {
        const { outcome, ranMs } = message;
        const isWorkflow = (workflow: string) => config.workflows.has(workflow);
        const route = outcome.kind === "value" ? routeSenseComputeOutput(outcome.value, isWorkflow) : outcome;
        over.resolve({ outcome: route, ranMs });
      }
    },
    onEnd: (_, { message }) => {
      over.resolve({ outcome: { kind: "ended", message }, ranMs: null });
      ended.resolve();
    },
  });
  process.begin();
  const unwatch = watchTrial(process, plan.request, clock);
  process.send({ t: "compute", id: 1, sense: name, ...toTrigger(signals, clock.now()), key: null, taken: null });
  const limitMs = sense.timeoutMs + sense.gracePeriodMs;
  const abort = clock.after(
    sense.timeoutMs,
    () => process.send({ t: "abort", id: 1, reason: "the compute timed out" }),
  );
  const giveUp = (message: string) => over.resolve({ outcome: { kind: "ended", message }, ranMs: null });
  const cancel = clock.after(limitMs, () => giveUp(`did not finish within ${formatDuration(limitMs)}`));
  const interrupt = () => giveUp("was interrupted");
  signal.addEventListener("abort", interrupt, { once: true });
  const result = await over.promise;
  for (const stop of [abort, cancel]) stop();
  process.kill("ended", "the compute is over");
  await ended.promise;
  unwatch();
  return { ...result, log };
}

function toTrigger(handed: readonly HandedSignal[], now: number) {
  const signals = handed.map((signal): Signal => ({ ...signal, id: 0, ts: now }));
  const trigger = signals.length > 0
    ? { kind: "signal", coalesced: 0 } as const
    : { kind: "manual", causeId: null, coalesced: 0 } as const;
  return { trigger, signals, deliveries: [] };
}
