/** Whether a workflow is started for an alert, and when the next time. Pure; used by notices.ts. */
import type { AlertLimit } from "../protocol/alert.ts";
import type { LimitWindow } from "./entry.ts";
import type { AlertRecord } from "./record.ts";

/** A window begins with its first start. `isFirst`: nothing was left out in this window before. */
export function takeStart(
  limit: AlertLimit,
  window: LimitWindow | null,
  now: number,
): { readonly allowed: boolean; readonly isFirst: boolean; readonly window: LimitWindow } {
  const current = window === null || now - window.from >= limit.perMs ? { from: now, started: 0, left: 0 } : window;
  if (current.started < limit.count) {
    return { allowed: true, isFirst: false, window: { ...current, started: current.started + 1 } };
  }
  return { allowed: false, isFirst: current.left === 0, window: { ...current, left: current.left + 1 } };
}

/**
 * When the workflow is to be started for a state that fires already (wall milliseconds); null: not at all. Nobody was
 * told of it because of a silence: when that ends. Else by `repeat`, unless somebody acknowledged it.
 */
export function findNextNotice(
  { machine, toldAt, triedAt, heldBack, since, ack }: AlertRecord,
  { repeatMs, silencedUntil, now }: {
    readonly repeatMs: number | null;
    readonly silencedUntil: number | null;
    readonly now: number;
  },
): number | null {
  if (machine.status !== "firing" || ack !== null) return null;
  const owed = heldBack === "silenced" && toldAt === null;
  if (!owed && repeatMs === null) return null;
  const last = triedAt ?? since ?? now;
  const due = owed ? now : last + (repeatMs ?? 0);
  return silencedUntil === null ? due : Math.max(due, silencedUntil);
}
