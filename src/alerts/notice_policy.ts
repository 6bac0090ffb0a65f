/** Decides whether the workflow of an alert is started, and when the next time. Pure; used by notices.ts. */
import type { AlertLimit } from "../protocol/alert.ts";
import type { LimitWindow } from "./entry.ts";
import type { AlertRecord } from "./record.ts";

/**
 * Takes a start from the limit. A window begins with its first start. `isFirst`: this is the first skipped start of the
 * window.
 */
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
 * When to start the workflow again for a state that is already firing (wall milliseconds); null: not at all. If a
 * silence held back the first notice, at the end of the silence; else by `repeat`. Not after an acknowledgement.
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
