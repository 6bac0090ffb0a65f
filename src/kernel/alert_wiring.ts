/** Connects alerts to the log, to listening senses and to the workflows. Created by wiring.ts. */
import { AlertOperations } from "../alerts/alert_operations.ts";
import { AlertRunner } from "../alerts/alert_runner.ts";
import type { AlertStorePort } from "../alerts/ports.ts";
import { heardBytesMax, heardSignalsMax } from "../base/limits.ts";
import type { Clock } from "../base/time.ts";
import type { AckRequest, AlertChanged, AlertView, SilenceRequest, UnsilenceRequest } from "../protocol/alert.ts";
import type { KernelEvent } from "../protocol/event.ts";
import { isPlainObject, type Json } from "../protocol/json.ts";
import type { LogRow } from "../protocol/log.ts";
import type { Signal } from "../protocol/signal.ts";
import type { SignalPublisher } from "../sensing/signal_publisher.ts";
import { readAll } from "../store/reading/steps.ts";
import type { Store } from "../store/store.ts";
import type { WorkflowEngine } from "../workflow/engine.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export interface AlertWiringPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly publisher: SignalPublisher;
  readonly workflows: Pick<WorkflowEngine, "startRun">;
  readonly secrets: CurrentSecrets;
  emit(event: KernelEvent): void;
}

/** What clients may do with alerts. When a promise resolves, the change, or the rows of what it shows, are on disk. */
export interface ShownAlerts {
  views(): Promise<AlertView[]>;
  view(name: string): Promise<AlertView>;
  silence(name: string, request: SilenceRequest): Promise<AlertChanged>;
  unsilence(name: string, request: UnsilenceRequest): Promise<AlertChanged>;
  ack(name: string, request: AckRequest): Promise<AlertChanged>;
}

export class AlertWiring {
  readonly runner: AlertRunner;
  readonly operations: AlertOperations;
  /** What clients may do with alerts. */
  readonly shown: ShownAlerts;

  constructor({ store, clock, publisher, workflows, secrets, emit }: AlertWiringPorts) {
    this.runner = new AlertRunner({
      clock,
      store: createStorePort(store, secrets),
      publish: (signal) => void publisher.publish(signal, false),
      startRun: ({ alert, ...request }) =>
        workflows.startRun({ ...request, maxRounds: null, trigger: { kind: "alert", alert } }),
      reportProblem: (alert, message) => emit({ kind: "problem", source: `alert:${alert}`, message, ts: clock.now() }),
    });
    const operations = this.operations = new AlertOperations(this.runner, clock);
    const stored = async (changed: AlertChanged) => {
      await store.log.durable();
      return changed;
    };
    const recorded = async <T>(shown: T): Promise<T> => {
      await store.recorded();
      return secrets.mask(shown);
    };
    this.shown = {
      views: async () => await recorded(operations.views()),
      view: async (name) => await recorded(operations.view(name)),
      silence: (name, request) => stored(operations.silence(name, request)),
      unsilence: (name, request) => stored(operations.unsilence(name, request)),
      ack: (name, request) => stored(operations.ack(name, request)),
    };
  }
}

function createStorePort(store: Store, secrets: CurrentSecrets): AlertStorePort {
  const { reader } = store;
  return {
    loadStates: () => store.alerts.load(),
    getValue: (key) => store.meta.get(key),
    save: (rows, complete) => store.alerts.save(rows.map((make) => (id: number) => secrets.mask(make(id))), complete),
    lastRowId: () => store.log.lastId,
    readSignals(afterId) {
      const filter = { type: "sense.signal", afterId, limit: heardSignalsMax } as const;
      const { items, more } = readAll(reader.logPage(filter, heardBytesMax));
      return { signals: items.map(toSignal), hasMore: more };
    },
    readPayload(rowId) {
      const [row] = reader.logs({ afterId: rowId - 1, limit: 1 });
      return row?.id === rowId ? payloadOf(row) : null;
    },
  };
}

function toSignal(row: LogRow): Signal {
  return { id: row.id, sense: row.source.slice("sense:".length), payload: payloadOf(row), ts: row.ts };
}

/** The payload of a signal's row is the kernel's own; it contains what the sense returned. */
function payloadOf({ payload }: LogRow): Json {
  return isPlainObject(payload) ? payload["payload"] as Json ?? null : null;
}
