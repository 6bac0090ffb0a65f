/**
 * What the sandbox needs of signal.ts and run_event.ts: every sandbox loads it, so it does not import zod, which takes 12
 * MiB.
 */
import type { Place, Trigger } from "./signal.ts";

export const triggerKinds = ["interval", "cron", "signal", "manual"] as const satisfies readonly Trigger["kind"][];

/** The row that caused a compute: the signal's, or the manual request's. A schedule has none. */
export function causeOf(trigger: Trigger): number | null {
  if (trigger.kind === "signal") return trigger.signal.id;
  return trigger.kind === "manual" ? trigger.causeId : null;
}

/** The end of a message with a known place: ` (file:line:column)`; empty without one. */
export function formatPlace(place: Place | null): string {
  return place === null ? "" : ` (${place.file}:${place.line}:${place.column})`;
}

/** The name of an event that a run waits for. */
export const eventNamePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
