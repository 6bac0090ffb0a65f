/**
 * Publishes the rows of the log to its followers once they are on disk. The store's commits drive it; created by
 * store_feed.ts. Without followers it reads nothing; with several it reads each row only once.
 * I1. One turn of the event loop reads at most `eventReplayBytes`, or one row, however large the commit was.
 */
import { Broadcast, type Subscription } from "../base/broadcast.ts";
import { eventReplayBytes, eventReplayRows } from "../base/limits.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { Page } from "../store/reading/pages.ts";

export interface LogFeedPorts {
  lastId(): number;
  /** Returns nothing once the log is closed. */
  readPage(filter: LogFilter, maxBytes: number): Page<LogRow>;
  /** Rows could not be read: followers continue with the next commit, or read the log themselves. */
  reportFailure(thrown: unknown): void;
}

export class LogFeed {
  readonly #ports: LogFeedPorts;
  readonly #bus = new Broadcast<LogRow>();
  /** The newest published row. */
  #lastId = 0;
  /** Whether rows on disk are left for a later turn. */
  #behind = false;

  constructor(ports: LogFeedPorts) {
    this.#ports = ports;
  }

  follow(): Subscription<LogRow> {
    if (this.#bus.subscribers === 0) this.#lastId = this.#ports.lastId();
    return this.#bus.subscribe();
  }

  onCommit(): void {
    if (!this.#behind) this.#publish();
  }

  #publish(): void {
    this.#behind = false;
    if (this.#bus.subscribers === 0) return;
    try {
      const filter = { afterId: this.#lastId, order: "asc", limit: eventReplayRows } as const;
      const { items, more } = this.#ports.readPage(filter, eventReplayBytes);
      for (const row of items) {
        this.#lastId = row.id;
        this.#bus.publish(row);
      }
      if (!more) return;
    } catch (thrown) {
      return this.#ports.reportFailure(thrown);
    }
    this.#behind = true;
    setImmediate(() => this.#publish());
  }

  /** Followers read their queued rows, then end. */
  close(): void {
    this.#bus.close();
  }
}
