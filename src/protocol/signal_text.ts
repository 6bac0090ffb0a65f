/** The part of signal.ts that every sandbox loads: it does not import zod, which takes 12 MiB. */
import { type HookDelivery, hookOf } from "./delivery.ts";
import type { Place, Signal, Trigger } from "./signal.ts";

export const triggerKinds = [
  "interval",
  "cron",
  "watch",
  "signal",
  "hook",
  "manual",
] as const satisfies readonly Trigger["kind"][];

/**
 * The row that caused a compute: of the signal, the delivery, the changed paths, or the manual request. Null for a
 * schedule.
 */
export function causeOf(trigger: Trigger): number | null {
  if (trigger.kind === "signal") return trigger.signal.id;
  if (trigger.kind === "hook") return trigger.id;
  return "causeId" in trigger ? trigger.causeId : null;
}

/** The suffix of a message with a place: ` (file:line:column)`; empty without a place. */
export function formatPlace(place: Place | null): string {
  return place === null ? "" : ` (${place.file}:${place.line}:${place.column})`;
}

/** Converts a stored signal of a hook into its delivery. */
export function toDelivery({ id, sense, ts, payload }: Signal): HookDelivery {
  const { key, headers, body } = payload as unknown as Pick<HookDelivery, "key" | "headers" | "body">;
  return { id, hook: hookOf(sense) ?? "", ts, key, headers, body };
}

/** The trigger of a sense that receives this signal or delivery. */
export function toTriggerOf(heard: Signal): Trigger {
  const hook = hookOf(heard.sense);
  return hook === null
    ? { kind: "signal", signal: heard, coalesced: 0 }
    : { kind: "hook", hook, id: heard.id, coalesced: 0 };
}
