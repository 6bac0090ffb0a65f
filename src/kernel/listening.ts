/**
 * Lets every listening sense hear every signal and delivery: gives the inbox its listeners and the log, and triggers senses that have
 * not heard all. Created by wiring.ts.
 */
import { heardBytesMax, heardSignalsMax } from "../base/limits.ts";
import { hookOf, listFollowed } from "../protocol/delivery.ts";
import type { Json } from "../protocol/json.ts";
import type { LogRow } from "../protocol/log.ts";
import type { Signal } from "../protocol/signal.ts";
import { toTriggerOf } from "../protocol/signal_text.ts";
import type { SensePlan } from "../scheduler/ports.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";
import { SignalInbox } from "../sensing/signal_inbox.ts";
import { readAll } from "../store/reading/steps.ts";
import type { Store } from "../store/store.ts";

export class Listening {
  readonly inbox: SignalInbox;
  readonly #scheduler: () => Pick<Scheduler, "setPlans" | "trigger" | "resume">;

  constructor(store: Store, scheduler: () => Pick<Scheduler, "setPlans" | "trigger" | "resume">) {
    this.#scheduler = scheduler;
    this.inbox = new SignalInbox({
      readSignals: (sense, afterId) => readSignals(store, sense, afterId),
      lastRowId: () => store.log.lastId,
      places: store.meta,
    });
  }

  /** `Scheduler.setPlans` */
  setPlans(plans: readonly SensePlan[]): void {
    const followed = ({ sense, reflexes }: SensePlan) => [sense, new Set(reflexes.flatMap(listFollowed))] as const;
    this.inbox.setListeners(new Map(plans.map(followed).filter(([, sources]) => sources.size > 0)));
    this.#scheduler().setPlans(plans);
  }

  /**
   * Triggers those of the senses that have not heard every signal, or have missed a cron tick that they catch up: their
   * process died, or the daemon was down.
   */
  resume(senses: Iterable<string> = this.inbox.listeners()): void {
    for (const sense of senses) {
      this.#scheduler().resume(sense);
      const signal = this.inbox.newestWaiting(sense);
      if (signal !== null) this.#scheduler().trigger(sense, toTriggerOf(signal));
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

/** The payload of the row of a signal is the kernel's own: what the sense returned is a part of it. */
function toSignal(sense: string, { id, ts, payload }: LogRow): Signal {
  const { payload: told = null } = payload as { readonly payload?: Json };
  return { id, sense, payload: told, ts };
}
