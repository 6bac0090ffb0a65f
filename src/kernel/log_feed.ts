/**
 * Publishes the rows of the log to its followers, once they are on disk. The store's commits drive it; created by
 * wiring.ts. Without followers it reads nothing, and with several it reads each row only once.
 */
import { Broadcast, type Subscription } from "../base/broadcast.ts";
import { eventReplayRows } from "../base/limits.ts";
import type { LogRow } from "../protocol/log.ts";
import type { StoreReader } from "../store/log/reader.ts";

export class LogFeed {
  readonly #reader: Pick<StoreReader, "logs">;
  readonly #bus = new Broadcast<LogRow>();
  /** The newest published row. */
  #lastId = 0;

  constructor(reader: Pick<StoreReader, "logs">) {
    this.#reader = reader;
  }

  follow(): Subscription<LogRow> {
    if (this.#bus.subscribers === 0) this.#lastId = this.#reader.logs({ order: "desc", limit: 1 })[0]?.id ?? 0;
    return this.#bus.subscribe();
  }

  onCommit(): void {
    while (this.#bus.subscribers > 0) {
      const rows = this.#reader.logs({ afterId: this.#lastId, order: "asc", limit: eventReplayRows });
      for (const row of rows) {
        this.#lastId = row.id;
        this.#bus.publish(row);
      }
      if (rows.length === 0) return;
    }
  }

  /** Followers read their queued rows, then end. */
  close(): void {
    this.#bus.close();
  }
}
