/**
 * Streams the log to one reader: first the rows that it has missed, then new rows as they are written. Used by
 * routes/events.ts.
 * I1. No row is repeated or missing, however slow the reader is: rows that its queue had to drop are read from the log.
 *     Only rows that are no longer in the log are missing, and a gap reports them.
 */
import { eventReplayRows } from "../base/limits.ts";
import type { Gap } from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { KernelPort } from "./kernel_port.ts";

export type StreamItem = { readonly kind: "row"; readonly row: LogRow } | { readonly kind: "gap"; readonly gap: Gap };

/** Selects rows; a row must match every field. */
export type EventFilter = Pick<LogFilter, "source" | "type" | "refId">;

export interface EventStream extends AsyncIterable<StreamItem> {
  /** The id of the row after which the stream starts. */
  readonly from: number;
  close(): void;
}

/** `lastId` is the last row that the reader has. Null: it wants only new rows. */
export function openEventStream(view: KernelPort, filter: EventFilter, lastId: number | null): EventStream {
  // Subscribes before it reads the log, so that no row is missed in between.
  const feed = view.followLog(), newest = view.records.logs({ order: "desc", limit: 1 })[0]?.id ?? 0;
  // An id that the log has not reached is of another log, such as one that was removed: all of this one is new.
  const isOfOther = lastId !== null && lastId > newest, from = isOfOther ? 0 : lastId ?? newest;

  async function* items(): AsyncGenerator<StreamItem> {
    const gap = isOfOther ? { afterId: lastId, beforeId: 1 } : findGap(view, from, newest);
    if (gap !== null) yield { kind: "gap", gap };
    let at = from, dropped = 0;
    function* readMissed(): Generator<StreamItem> {
      for (;;) {
        // Read without the filter, so that rows that do not match advance the cursor too.
        const rows = view.records.logs({ afterId: at, order: "asc", limit: eventReplayRows });
        for (const row of rows) {
          at = row.id;
          if (matches(row, filter)) yield { kind: "row", row };
        }
        if (rows.length === 0) return;
      }
    }
    yield* readMissed();
    for await (const row of feed) {
      if (feed.dropped > dropped) {
        dropped = feed.dropped;
        yield* readMissed();
      }
      if (row.id <= at) continue;
      at = row.id;
      if (matches(row, filter)) yield { kind: "row", row };
    }
  }

  return { from, close: () => feed.close(), [Symbol.asyncIterator]: items };
}

/** A gap when the reader's last row is no longer in the log: its day was archived, and later rows may have been too. */
function findGap(view: KernelPort, from: number, newest: number): Gap | null {
  if (from === 0 || from === newest) return null;
  const [next] = view.records.logs({ afterId: from - 1, order: "asc", limit: 1 });
  return next === undefined || next.id === from ? null : { afterId: from, beforeId: next.id };
}

function matches(row: LogRow, { source, type, refId }: EventFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId);
}
