/**
 * The log as it grows, for one reader: first what it has missed, then what comes. Used by routes/events.ts.
 * I1. No row is given twice and none is left out, however slowly the reader reads: rows that its queue had to drop are
 *     read from the log. Only rows that have left for the archive are missing, and that is told by a gap.
 */
import { eventReplayRows } from "../base/limits.ts";
import type { Gap } from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { KernelPort } from "./kernel_port.ts";

export type StreamItem = { readonly kind: "row"; readonly row: LogRow } | { readonly kind: "gap"; readonly gap: Gap };

/** Which rows; every field narrows. */
export type EventFilter = Pick<LogFilter, "source" | "type" | "refId">;

export interface EventStream extends AsyncIterable<StreamItem> {
  /** The row after which it begins. */
  readonly from: number;
  close(): void;
}

/** `lastId` is the last row that the reader has; null means that it wants only what comes. */
export function openEventStream(view: KernelPort, filter: EventFilter, lastId: number | null): EventStream {
  // Followed from before the first look at the log: nothing can fall in between.
  const feed = view.followLog(), newest = view.records.logs({ order: "desc", limit: 1 })[0]?.id ?? 0;
  const from = Math.min(lastId ?? newest, newest);

  async function* items(): AsyncGenerator<StreamItem> {
    const gap = gapAfter(view, from, newest);
    if (gap !== null) yield { kind: "gap", gap };
    let at = from, dropped = 0;
    function* missed(): Generator<StreamItem> {
      for (;;) {
        // Unfiltered: what does not match moves the cursor as well, and the next page begins after it.
        const rows = view.records.logs({ afterId: at, order: "asc", limit: eventReplayRows });
        for (const row of rows) {
          at = row.id;
          if (matches(row, filter)) yield { kind: "row", row };
        }
        if (rows.length < eventReplayRows) return;
      }
    }
    yield* missed();
    for await (const row of feed) {
      if (feed.dropped > dropped) {
        dropped = feed.dropped;
        yield* missed();
      }
      if (row.id <= at) continue;
      at = row.id;
      if (matches(row, filter)) yield { kind: "row", row };
    }
  }

  return { from, close: () => feed.close(), [Symbol.asyncIterator]: items };
}

/** A row that the reader had is no longer there: its day was archived, and what followed it may have been as well. */
function gapAfter(view: KernelPort, from: number, newest: number): Gap | null {
  if (from === 0 || from === newest) return null;
  const [next] = view.records.logs({ afterId: from - 1, order: "asc", limit: 1 });
  return next === undefined || next.id === from ? null : { afterId: from, beforeId: next.id };
}

function matches(row: LogRow, { source, type, refId }: EventFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId);
}
