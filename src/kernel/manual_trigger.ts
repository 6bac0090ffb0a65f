/** What a request to trigger a sense comes to: its row of the log, and its trigger. Pure; used by kernel_api.ts. */
import type { LogRow, NewLogRow } from "../protocol/log.ts";
import type { HandedSignal, Signal, Trigger } from "../protocol/signal.ts";

/** `signals`: what the sense shall hear, as if other senses had told it. */
export function toTriggeredRow(sense: string, signals: readonly HandedSignal[]): NewLogRow {
  const payload = signals.length === 0 ? { by: "request" } : { by: "request", signals: [...signals] };
  return { source: `sense:${sense}`, type: "sense.triggered", refId: sense, causeId: null, payload };
}

/** The signals are those of the row, which is their cause. */
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
