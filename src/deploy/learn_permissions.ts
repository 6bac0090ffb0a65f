/**
 * Runs one sense in its sandbox with Deno's permission audit on, for `nerve sense learn`: alone in a process, with the
 * permissions that it declares, on an empty database, at the interval of its reflexes.
 * I1. The process has only the grants of nerve.yaml: missing permissions are learned from denied requests.
 * I2. With a permission lock, a sense that asks for more than was approved does not run.
 * I3. The sense does not write to the workspace's databases, and causes no signal or run.
 */
import { join } from "node:path";
import { assert } from "../base/errors.ts";
import { makeSharedFiles } from "../base/shared_files.ts";
import { type Clock, delay } from "../base/time.ts";
import { grantContext } from "../config/load.ts";
import { explainPermissions } from "../config/permissions/grants.ts";
import { type Asked, derivePermissions, type Learned, readAudit } from "../config/permissions/learned.ts";
import { makeRuntimeFolder } from "../config/runtime_folder.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { UnitProcess } from "../process/unit_process.ts";
import { watchTrial } from "../process/watched_trial.ts";
import type { FromProcess } from "../protocol/message.ts";
import { groupKey } from "../protocol/unit.ts";
import { placeAlone, requireApproval } from "./lone_sense.ts";
import { launchFor, withEmptyDatabases } from "./trial_load.ts";
import { planUnits } from "./unit_plans.ts";

/** A compute that only this file requests. */
const byHand = {
  trigger: { kind: "manual", causeId: 0, coalesced: 0 },
  signals: [],
  deliveries: [],
  key: null,
  taken: null,
} as const;

export interface LearnResult extends Learned {
  readonly computes: number;
  /** The error messages of failed computes, without duplicates. */
  readonly errors: readonly string[];
  /** Why the process ended before the time was up; null if it did not. */
  readonly ended: string | null;
}

/** The least wait between two computes, and the wait for a sense without an interval. */
const waitMinMs = 1_000, waitDefaultMs = 5_000;

const unheard = { onReady: () => {}, onOutput: () => {}, onPrograms: () => {}, isBusy: () => true };

/** The sense must be configured. When `signal` aborts, the result is what was seen so far. */
export async function learnPermissions(
  config: NerveConfig,
  paths: WorkspacePaths,
  sense: string,
  options: { readonly forMs: number; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<LearnResult> {
  const { clock, forMs, signal } = options, alone = placeAlone(config, sense);
  await requireApproval(alone, paths, sense);
  const plan = planUnits(alone, paths).find(({ key }) => key === groupKey(sense));
  assert(plan !== undefined, `sense ${sense} has a group`);
  makeRuntimeFolder(paths);
  const auditFile = join(paths.runtimeFolder, `learn-${Deno.pid}.jsonl`);
  const empty = withEmptyDatabases(plan.spec);
  const spec = { ...empty, senses: empty.senses.map((each) => ({ ...each, tryFor: null })) };
  const outcomes: Extract<FromProcess, { t: "outcome" }>["outcome"][] = [];
  const over = Promise.withResolvers<string | null>(), ended = Promise.withResolvers<void>();
  let answered = Promise.withResolvers<void>();
  const where = launchFor(paths);
  const process = new UnitProcess(spec, { ...plan.request, disk: null, auditFile, trial: true }, where, clock, {
    ...unheard,
    onMessage: (_, message) => {
      if (message.t === "unshared") makeSharedFiles(paths.senseDatabase(message.sense));
      if (message.t === "outcome") answered.resolve(void outcomes.push(message.outcome));
    },
    onEnd: (_, end) => {
      over.resolve(`its process ${end.message}`);
      ended.resolve();
    },
  });
  process.begin();
  const unwatch = watchTrial(process, plan.request, clock);
  const cancel = clock.after(forMs, () => over.resolve(null));
  signal.addEventListener("abort", () => over.resolve(null), { once: true });
  const finished = over.promise.then(() => true);
  for (let id = 1;; id++) {
    answered = Promise.withResolvers();
    process.send({ t: "compute", id, sense, ...byHand });
    if (await Promise.race([finished, answered.promise.then(() => false)])) break;
    if (await Promise.race([finished, delay(clock, waitOf(config, sense)).then(() => false)])) break;
  }
  cancel();
  process.kill("ended", "the learning is done");
  await ended.promise.finally(unwatch);
  const errors = [...new Set(outcomes.flatMap((each) => each.kind === "error" ? [each.message] : []))];
  const rows = explainPermissions(alone, paths, { kind: "group", name: sense }, grantContext);
  const asked = [...await takeAudit(auditFile, paths.runtimeFolder), ...errors.flatMap(findPrograms)];
  // Deno's audit does not report programs: the declared ones may be in use.
  const declared = rows.filter(({ declaredBy }) => declaredBy !== null);
  const kept = declared.flatMap(({ permission, value }): Asked[] =>
    permission === "run" ? [{ permission, value: value === true ? null : value }] : []
  );
  return {
    ...derivePermissions([...asked, ...kept], rows.filter(({ declaredBy }) => declaredBy === null), declared),
    computes: outcomes.length,
    errors,
    ended: await over.promise,
  };
}

function waitOf(config: NerveConfig, sense: string): number {
  const intervals = config.reflexes.flatMap((reflex) => reflex.sense === sense ? reflex.intervalMs ?? [] : []);
  return Math.max(waitMinMs, Math.min(...intervals, waitDefaultMs));
}

/** Reads and removes the audit file, without the sandbox's own requests: its database in memory, and its connection. */
async function takeAudit(file: string, runtimeFolder: string): Promise<Asked[]> {
  try {
    const text = await Deno.readTextFile(file);
    await Deno.remove(file);
    // The end of the process may have truncated the last line.
    return readAudit(text.slice(0, text.lastIndexOf("\n") + 1)).filter(({ value }) =>
      !value?.endsWith("/:memory:") && !value?.includes(`${runtimeFolder}/`)
    );
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
}

function findPrograms(message: string): Asked[] {
  const program = /Requires run access to "([^"]+)"/.exec(message)?.[1];
  return program === undefined ? [] : [{ permission: "run", value: program }];
}
