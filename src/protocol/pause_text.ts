/** A pause in words, for people. */
import { formatDuration } from "../base/duration.ts";
import type { SensePause } from "./sense_pause.ts";

/** `paused for 2h so far, for another 6h (why); 12 triggers were skipped` */
export function describePause({ since, until, reason, skipped }: SensePause, now: number): string {
  const span = (ms: number) => formatDuration(Math.max(0, Math.ceil(ms / 1_000) * 1_000));
  const end = until === null ? "until it is resumed" : `for another ${span(until - now)}`;
  const why = reason === null ? "" : ` (${reason})`, count = `${skipped} ${skipped === 1 ? "trigger" : "triggers"}`;
  return `paused for ${span(now - since)} so far, ${end}${why}; ${count} skipped`;
}
