/**
 * Makes every part of a running kernel and wires them. Called by kernel.ts, which starts and stops them. Parts that need
 * each other find the later ones through `parts()`.
 */
import type { Clock } from "../base/clock.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { Supervisor } from "../process/supervisor.ts";
import type { KernelEvent } from "../protocol/event.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { RunTrigger } from "../protocol/run.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import { storeError } from "../store/sqlite.ts";
import type { Store } from "../store/store.ts";
import { WorkflowManager } from "../workflow/manager.ts";
import { ComputeIds } from "./compute_ids.ts";
import { ComputeRunner } from "./compute_runner.ts";
import { Configuration } from "./configuration.ts";
import { FoldedRows } from "./folded_rows.ts";
import { History } from "../store/history.ts";
import { Housekeeping } from "./housekeeping.ts";
import { LoadFaults } from "./load_faults.ts";
import { Reload } from "./reload.ts";
import { RowFeed } from "./row_feed.ts";
import { CurrentSecrets, maskedReader } from "./current_secrets.ts";
import { SenseDesk } from "./sense_desk.ts";
import type { StoreTrouble } from "./store_trouble.ts";
import { UnitDesk } from "./unit_desk.ts";
import { KernelViews } from "./views.ts";
import { Watcher } from "./watcher.ts";
import { SupervisedWorkflows } from "./workflow_host.ts";

/** Everything that exists only while the kernel runs. */
export interface Parts {
  readonly store: Store;
  readonly feed: RowFeed;
  readonly folded: FoldedRows;
  readonly configuration: Configuration;
  readonly units: UnitDesk;
  readonly supervisor: Supervisor;
  readonly runner: ComputeRunner;
  readonly workflows: WorkflowManager;
  readonly desk: SenseDesk;
  readonly scheduler: Scheduler;
  readonly faults: LoadFaults;
  readonly reload: Reload;
  readonly watcher: Watcher;
  readonly housekeeping: Housekeeping;
  readonly history: History;
  readonly views: KernelViews;
}

/** What the parts are made from. */
export interface Foundation {
  readonly store: Store;
  /** The configuration to begin with. */
  readonly config: NerveConfig;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  readonly startedAt: number;
  readonly trouble: StoreTrouble;
  emit(event: KernelEvent): void;
}

/** The words that all parts speak to the outside with. */
interface Wiring extends Foundation {
  append(row: NewLogRow): LogRow;
  /** Something that a person should know of the kernel itself. */
  problem(message: string): void;
  readonly folded: FoldedRows;
  parts(): Parts;
}

export function makeParts(from: Foundation): Parts {
  const { store, paths, clock } = from;
  // The one door for rows and the one for news: what was granted as a variable leaves through neither. What goes on to
  // user code (a signal that triggers, a run's payload) does not pass here and stays as it is.
  const secrets = new CurrentSecrets(from.config);
  const append = (row: NewLogRow): LogRow => store.log.append(secrets.in(row));
  const emit = (event: KernelEvent): void => from.emit(secrets.in(event));
  const reader = maskedReader(store.reader, secrets);
  const problem = (message: string) => emit({ kind: "problem", source: "kernel", message, ts: clock.now() });
  const feed = new RowFeed(reader), folded = new FoldedRows(clock, append);
  store.onCommit(() => {
    from.trouble.over();
    try {
      feed.committed();
    } catch (thrown) {
      // A damaged page: who follows reads on with the next commit, or from the log itself.
      from.trouble.begin(storeError("the log cannot be read", thrown), 0);
    }
  });
  const wiring: Wiring = { ...from, emit, append, problem, folded, parts: () => parts };
  const configuration = new Configuration(from.config, wiring);
  secrets.follow(() => configuration.current);
  const units = new UnitDesk(configuration, clock, wiring);
  const supervisor = new Supervisor({ runtimeFolder: paths.runtimeFolder, workspace: paths.root }, clock, units);
  const runner = new ComputeRunner(supervisor, clock);
  const workflows = makeWorkflows(wiring, supervisor);
  const desk = makeDesk(wiring, runner);
  const scheduler = makeScheduler(wiring);
  const faults = new LoadFaults(wiring);
  const reload = new Reload({ ...wiring, configuration, faults });
  const watcher = new Watcher(paths, { clock, problem, look: () => reload.check() });
  const retentionMs = () => configuration.current.retentionMs;
  const housekeeping = new Housekeeping({ store, clock, archiveFolder: paths.archive, retentionMs, problem });
  const history = new History(store.reader, paths.archive);
  const views = new KernelViews({ ...wiring, configuration, reader, secrets });
  const parts: Parts = {
    ...{ store, feed, folded, configuration, units, supervisor, runner },
    ...{ workflows, desk, scheduler, faults, reload, watcher, housekeeping, history, views },
  };
  configuration.begin();
  return parts;
}

function makeWorkflows({ store, clock, append, emit, problem }: Wiring, supervisor: Supervisor): WorkflowManager {
  return new WorkflowManager({
    store: store.runs,
    host: new SupervisedWorkflows(supervisor),
    clock,
    log: append,
    onChange: (run) => emit({ kind: "run", run }),
    onRoleFailed: ({ workflow, runId }, text) => {
      const message = `run ${runId}: ${text}`;
      emit({ kind: "log", source: `workflow:${workflow}`, level: "warn", message, ts: clock.now() });
    },
    onProcessFree: (processId) => supervisor.releasedProcess(processId),
    newRunId: store.newRunId,
    problem,
  });
}

function makeDesk({ store, clock, append, folded, emit, parts }: Wiring, runner: ComputeRunner): SenseDesk {
  return new SenseDesk(runner, clock, {
    append,
    folded,
    emit,
    signalled: (signal) => {
      // A listener may look for the signal in the log.
      if (parts().scheduler.signalled(signal) > 0) store.log.hurry();
    },
    isWorkflow: (name) => parts().configuration.current.workflows.has(name),
    startRun: ({ name, maxRounds, prompt }, payload, sense, causeId) => {
      const trigger: RunTrigger = { kind: "sense", sense };
      return parts().workflows.startRun({ workflow: name, prompt, payload, maxRounds, runId: null, trigger, causeId });
    },
  });
}

function makeScheduler({ store, clock, parts }: Wiring): Scheduler {
  const computeIds = new ComputeIds(store.meta);
  return new Scheduler({
    clock,
    newComputeId: () => computeIds.next(),
    starter: {
      compute: (sense, trigger, id) => parts().desk.compute(sense, trigger, id),
      prepare: (sense) => parts().units.prepare(sense),
    },
    listener: {
      nonAction: (sense, reason, { computeId, until, trigger }) => {
        parts().desk.nonAction(sense, reason, { compute: computeId, until }, trigger);
      },
      dropped: (sense, computeId) => parts().desk.dropped(sense, computeId),
      cronTick: (sense, due) => store.meta.set(`cron:${sense}`, String(due)),
    },
  });
}
