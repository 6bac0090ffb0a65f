/** Converts a client's request into the moment when a run starts. */
import { NerveError } from "../base/errors.ts";
import { type Moment, momentBefore, readMoment } from "../base/moment.ts";
import type { Clock } from "../base/time.ts";
import type { StartRunRequest } from "../protocol/run_requests.ts";

/** Null: now. Both clocks count a span; only the wall clock counts a time of day. */
export function toStartTime(clock: Clock, { at, inMs }: Pick<StartRunRequest, "at" | "inMs">): Moment | null {
  if (at !== undefined && inMs !== undefined) {
    throw new NerveError("PAYLOAD_INVALID", "a run starts at a time or in a span, not both", {
      hint: "give at or inMs",
    });
  }
  if (at !== undefined) return { wall: at, boot: null };
  return inMs === undefined ? null : momentBefore(readMoment(clock), -inMs);
}
