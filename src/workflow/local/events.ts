/**
 * Events that are sent to runs. Called by manager.ts for a sender, and through `Waits.onAwaited` for a run that begins
 * to wait for one.
 * I1. An event is on disk before its sender is answered. An event that comes before its wait is kept for the run.
 * I2. A key identifies one event of its run: sending it again gets the same answer, and changes nothing.
 * I3. An event settles one wait. Taking it, the message and the move of the run are one commit.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import { backoffMaxMs } from "../../base/limits.ts";
import { sha256 } from "../../base/sha256.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import { eventPayloadMaxBytes, keptEventsMax, keptEventsMaxBytes } from "../../base/wait_limits.ts";
import { unknownRun } from "../../protocol/common_errors.ts";
import { toJsonText } from "../../protocol/json.ts";
import type { Run } from "../../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../../protocol/run_event.ts";
import { isTerminal } from "../transitions.ts";
import type { ActiveRuns } from "./active_runs.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { RunStore } from "./ports.ts";
import { toStoreFailed } from "./run_admission.ts";
import type { RunWriter } from "./run_writer.ts";
import type { Waits } from "./waits.ts";
import { createEventMessage } from "./wait_texts.ts";

export interface EventsParts {
  readonly runs: ActiveRuns;
  readonly waits: Waits;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly timers: TimerGroup;
  readonly reportProblem: (message: string) => void;
}

const deliveriesAtStart = 1_000;

export class Events {
  readonly #parts: EventsParts;

  constructor(parts: EventsParts) {
    this.#parts = parts;
  }

  /** Errors: RUN_UNKNOWN, RUN_ENDED, EVENT_CONFLICT, EVENTS_MANY, PAYLOAD_INVALID, STORE_FAILED. */
  async send(runId: string, { name, key, payload = {} }: SendEventRequest): Promise<SendEventReply> {
    const { store, clock, runs } = this.#parts;
    const text = toJsonText(payload, eventPayloadMaxBytes);
    if (!text.ok) {
      throw new NerveError("PAYLOAD_INVALID", `the payload ${text.error}`, {
        hint: "store large input as a blob and send its digest",
      });
    }
    await runs.get(runId)?.created;
    const run = store.get(runId);
    if (run === null) throw unknownRun(runId);
    const digest = await sha256(new TextEncoder().encode(JSON.stringify([name, JSON.parse(text.value)])));
    const event = { name, key, payload: JSON.parse(text.value), digest, received: clock.now() };
    const written = await store.insertEvent(run, event).catch((thrown) => {
      throw toStoreFailed(`the event could not be sent to run ${runId}`, thrown);
    });
    if (!written) this.#explainRefusal(runId, key, name, digest);
    await this.deliver(runId);
    const stored = store.readEvent(runId, key);
    return { replayed: !written, event: stored?.event ?? { name, key, received: event.received, taken: null } };
  }

  /** Gives a run that waits for an event the oldest one of that name, if it keeps one. */
  async deliver(runId: string): Promise<void> {
    const { store, waits, writer, dispatcher, clock } = this.#parts;
    for (let moving = waits.movingOf(runId); moving !== null; moving = waits.movingOf(runId)) await moving;
    if (writer.closed) return;
    const run = store.get(runId), wait = run?.status === "waiting" ? store.readWait(runId) : null;
    if (run === null || wait === null || wait.event === null) return;
    const kept = store.readKeptEvent(runId, wait.event);
    if (kept === null) return;
    const entry = waits.load(run);
    if (entry.endsPending > 0) return;
    const settled = await waits.settle(entry, createEventMessage(wait, kept, clock.now()), { event: kept.key });
    if (settled) dispatcher.dispatch(entry.queue);
  }

  /** Like `deliver`, but without a caller that waits: retried while the store cannot be read. */
  async deliverLater(runId: string): Promise<void> {
    await this.#untilRead(() => this.deliver(runId), () => this.deliverLater(runId));
  }

  /** Delivers events that a crash of the daemon left undelivered. */
  async recover(): Promise<void> {
    await this.#untilRead(() => this.#recover(), () => this.recover());
  }

  async #untilRead(work: () => Promise<void>, again: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      this.#parts.reportProblem(`events of runs cannot be read; retrying: ${messageOf(thrown)}`);
      this.#parts.timers.after(backoffMaxMs, () => void again());
    }
  }

  async #recover(): Promise<void> {
    for (let last = "";;) {
      const ids = this.#parts.store.listDeliverable(deliveriesAtStart);
      for (const runId of ids) await this.deliver(runId);
      // The first run is still there: it is ending.
      if (ids.length < deliveriesAtStart || ids[0] === last) return;
      last = ids[0] ?? "";
    }
  }

  /** Throws unless the event was sent before. */
  #explainRefusal(runId: string, key: string, name: string, digest: string): void {
    const { store } = this.#parts, known = store.readEvent(runId, key);
    if (known?.digest === digest) return;
    if (known !== null) {
      throw new NerveError(
        "EVENT_CONFLICT",
        `run ${runId} was sent another event with the key ${key}: ${known.event.name}`,
        {
          hint: "use a new key for each event, and the same one to send it again",
        },
      );
    }
    const run = store.get(runId);
    if (run === null || isTerminal(run.status)) throw toEnded(runId, run);
    const most = `${keptEventsMax.toLocaleString("en-US")} events or ${keptEventsMaxBytes} bytes`;
    throw new NerveError("EVENTS_MANY", `run ${runId} keeps ${most} that it has not waited for: ${name} is not taken`, {
      hint: `what the run waits for: nerve workflow inspect ${runId}`,
    });
  }
}

function toEnded(runId: string, run: Run | null): NerveError {
  return new NerveError("RUN_ENDED", `run ${runId} has already ended: ${run?.status ?? "it is gone"}`, {
    hint: `nerve workflow inspect ${runId}`,
  });
}
