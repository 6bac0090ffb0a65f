/**
 * Streams the log to one reader: first the rows that it has missed, then new rows as they are written. Used by
 * routes/events.ts.
 * I1. No row is repeated or missing, however slow the reader is: rows that its queue had to drop are read from the log.
 *     Only rows that are no longer in the log are missing, and a gap reports them.
 */
import { eventReplayRows } from "../base/limits.ts";
import type { Gap } from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import { splitPage } from "../protocol/text_page.ts";
import type { KernelPort } from "./kernel_port.ts";

/** `json`: the row as JSON. */
export interface StreamRow {
  readonly id: number;
  readonly type: string;
  readonly json: string | Uint8Array<ArrayBuffer>;
}

export type StreamPart =
  | { readonly kind: "row"; readonly row: StreamRow }
  | { readonly kind: "gap"; readonly gap: Gap };

/** Selects rows; a row must match every field. */
export type EventFilter = Pick<LogFilter, "source" | "type" | "refId">;

export interface EventStream extends AsyncIterable<StreamPart> {
  /** The id of the row after which the stream starts. */
  readonly from: number;
  close(): void;
}

/** `lastId` is the last row that the reader has. Null: it wants only new rows. */
export function openEventStream(view: KernelPort, filter: EventFilter, lastId: number | null): EventStream {
  // Subscribes before it reads the log, so that no row is missed in between.
  const feed = view.followLog(), newest = view.pages.lastRowId(), closed = new AbortController();
  // An id that the log has not reached is from another log, such as one that was removed: all rows of this one are new.
  const isOfOther = lastId !== null && lastId > newest, from = isOfOther ? 0 : lastId ?? newest;

  async function* items(): AsyncGenerator<StreamPart> {
    const gap = isOfOther ? { afterId: lastId, beforeId: 1 } : findGap(view, from, newest);
    if (gap !== null) yield { kind: "gap", gap };
    let at = from, dropped = 0;
    /** The rows up to the newest one. */
    async function* readMissed(): AsyncGenerator<StreamPart> {
      const last = view.pages.lastRowId();
      for (let more = at < last; more;) {
        const query = { ...filter, afterId: at, beforeId: last + 1, order: "asc", limit: eventReplayRows } as const;
        const page = await view.pages.rows(query, closed.signal).catch((thrown) => {
          if (closed.signal.aborted) return null;
          throw thrown;
        });
        if (page === null) return;
        for (const { key, type, json } of splitPage(page)) {
          at = Number(key);
          yield { kind: "row", row: { id: at, type: String(type), json } };
        }
        more = page.more;
      }
      at = Math.max(at, last);
    }
    yield* readMissed();
    for await (const row of feed) {
      if (feed.dropped > dropped) {
        dropped = feed.dropped;
        yield* readMissed();
      }
      if (row.id <= at) continue;
      at = row.id;
      if (matches(row, filter)) yield { kind: "row", row: { id: row.id, type: row.type, json: toText(row) } };
    }
  }

  const close = () => {
    closed.abort();
    feed.close();
  };
  return { from, close, [Symbol.asyncIterator]: items };
}

/** A gap when the reader's last row is no longer in the log: its day was archived, and later rows may have been too. */
function findGap(view: KernelPort, from: number, newest: number): Gap | null {
  if (from === 0 || from === newest) return null;
  const next = view.pages.nextRowId(from - 1);
  return next === null || next === from ? null : { afterId: from, beforeId: next };
}

/** Caches the text, because many readers get the same row. */
const texts = new WeakMap<LogRow, string>();

function toText(row: LogRow): string {
  let text = texts.get(row);
  if (text === undefined) texts.set(row, text = JSON.stringify(row));
  return text;
}

function matches(row: LogRow, { source, type, refId }: EventFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId);
}
