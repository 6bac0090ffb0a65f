/**
 * Makes sure that each sense processes every signal and delivery that it listens to, and every change that it watches:
 * supplies the inbox with listeners and the log, supplies the watches, and triggers senses that have unprocessed ones.
 * Created by wiring.ts.
 */
import { heardBytesMax, heardSignalsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import { listOwnFolders } from "../config/watched_paths.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { hookOf, listFollowed } from "../protocol/delivery.ts";
import type { Json } from "../protocol/json.ts";
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { Signal } from "../protocol/signal.ts";
import { toTriggerOf } from "../protocol/signal_text.ts";
import type { SensePlan } from "../scheduler/ports.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { SignalInbox } from "../sensing/signal_inbox.ts";
import { readAll } from "../store/reading/steps.ts";
import { SensePauses } from "./sense_pauses.ts";
import type { Store } from "../store/store.ts";
import { Watches } from "../watches/watches.ts";

export interface SignalDeliveryPorts {
  readonly store: Store;
  readonly paths: WorkspacePaths;
  readonly clock: Clock;
  scheduler(): Pick<Scheduler, "setPlans" | "wake" | "pause" | "unpause" | "resume">;
  isSense(name: string): boolean;
  append(row: NewLogRow, values?: readonly (readonly [key: string, value: string])[]): LogRow;
  emit(event: KernelEvent): void;
}

export class SignalDelivery {
  readonly inbox: SignalInbox;
  readonly watches: Watches;
  readonly pauses: SensePauses;
  readonly #scheduler: SignalDeliveryPorts["scheduler"];

  constructor({ store, paths, clock, scheduler, isSense, append, emit }: SignalDeliveryPorts) {
    this.#scheduler = scheduler;
    this.watches = new Watches({
      clock,
      append,
      ownFolders: listOwnFolders(paths),
      meta: store.meta,
      trigger: (sense, trigger) => scheduler().wake(sense, trigger),
      reportProblem: (sense, message) => emit({ kind: "problem", source: `sense:${sense}`, message, ts: clock.now() }),
    });
    this.pauses = new SensePauses({
      clock,
      append,
      isSense,
      meta: store.meta,
      durable: () => store.log.durable(),
      onPaused: (sense) => scheduler().pause(sense),
      onResumed: (sense) => {
        scheduler().unpause(sense);
        this.resume([sense]);
      },
    });
    this.inbox = new SignalInbox({
      readSignals: (sense, afterId) => readSignals(store, sense, afterId),
      lastRowId: () => store.log.lastId,
      places: store.meta,
    });
  }

  /** Like `Scheduler.setPlans`, and sets the listeners of the inbox. */
  setPlans(plans: readonly SensePlan[]): void {
    const followed = ({ sense, reflexes }: SensePlan) => [sense, new Set(reflexes.flatMap(listFollowed))] as const;
    this.inbox.setListeners(new Map(plans.map(followed).filter(([, sources]) => sources.size > 0)));
    this.#scheduler().setPlans(plans);
  }

  /** Call this once the scheduler has started. */
  start(): void {
    this.resume();
    this.watches.start();
    this.pauses.start();
  }

  async stop(): Promise<void> {
    this.pauses.stop();
    await this.watches.stop();
  }

  /**
   * Triggers those of the senses that have unprocessed signals, or missed a cron tick that they catch up: their process
   * died, or the daemon was down.
   */
  resume(senses: Iterable<string> = this.inbox.listeners()): void {
    for (const sense of senses) {
      this.#scheduler().resume(sense);
      this.watches.resume(sense);
      const signal = this.inbox.newestWaiting(sense);
      if (signal !== null) this.#scheduler().wake(sense, toTriggerOf(signal));
    }
  }
}

function readSignals({ reader }: Store, sense: string, afterId: number): { signals: Signal[]; hasMore: boolean } {
  const isHook = hookOf(sense) !== null, limit = heardSignalsMax;
  const filter = isHook
    ? { source: sense, type: "hook.delivery", afterId, limit }
    : { source: `sense:${sense}`, type: "sense.signal", afterId, limit };
  const { items, more } = readAll(reader.logPage(filter, heardBytesMax));
  return { signals: items.map((row) => isHook ? toHeardDelivery(sense, row) : toSignal(sense, row)), hasMore: more };
}

function toHeardDelivery(sense: string, { id, ts, payload }: LogRow): Signal {
  return { id, sense, payload, ts };
}

/** The payload of a signal's row is the kernel's own; it contains what the sense returned. */
function toSignal(sense: string, { id, ts, payload }: LogRow): Signal {
  const { payload: signal = null } = payload as { readonly payload?: Json };
  return { id, sense, payload: signal, ts };
}
