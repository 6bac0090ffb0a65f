/** Turns a request to trigger a sense into its row of the log and its trigger. Pure; used by kernel_api.ts. */
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { HandedSignal, Signal, Trigger } from "../protocol/signal.ts";

/** `signals`: what the sense receives, as if other senses had sent it. */
export function toTriggeredRow(sense: string, signals: readonly HandedSignal[]): NewLogRow {
  const payload = signals.length === 0 ? { by: "request" } : { by: "request", signals: [...signals] };
  return { source: `sense:${sense}`, type: "sense.triggered", refId: sense, causeId: null, payload };
}

/** The row is the cause of its signals. */
export function toManualTrigger({ id, ts }: LogRow, signals: readonly HandedSignal[]): {
  readonly trigger: Trigger;
  readonly handed: readonly Signal[];
} {
  const handed = signals.map((signal): Signal => ({ ...signal, id, ts })), signal = handed.at(-1);
  return {
    handed,
    trigger: signal === undefined
      ? { kind: "manual", causeId: id, coalesced: 0 }
      : { kind: "signal", signal, coalesced: 0 },
  };
}
