/** What the sandbox needs of signal.ts: every sandbox loads it, so it does not import zod, which takes 12 MiB. */
import type { Place, Trigger } from "./signal.ts";

export const triggerKinds = [
  "interval",
  "cron",
  "watch",
  "signal",
  "manual",
] as const satisfies readonly Trigger["kind"][];

/** The row that caused a compute: the signal's, that of changed paths, or the manual request's. A schedule has none. */
export function causeOf(trigger: Trigger): number | null {
  if (trigger.kind === "signal") return trigger.signal.id;
  return "causeId" in trigger ? trigger.causeId : null;
}

/** The end of a message with a known place: ` (file:line:column)`; empty without one. */
export function formatPlace(place: Place | null): string {
  return place === null ? "" : ` (${place.file}:${place.line}:${place.column})`;
}
