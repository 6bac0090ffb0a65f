/**
 * The event stream of the daemon, for all parts of the page.
 * I1. Rows reach their listeners in batches, one a frame, and while many come at most one every `flushMinMs`: at 200
 *     rows a second most frames have no work.
 * I2. A hidden page has no connection and no timer. When it is shown again after more than `resumeMaxMs`, it does not
 *     replay what it missed: it requests everything anew (`onResync`).
 * I3. A lost connection is made again, and resumes after the last row that arrived. One that is refused because the
 *     session has ended is not: only a new link helps.
 */
import type { LogRow } from "../src/protocol/log.ts";
import { noteSignedOut, onSignedOut } from "./api.ts";
import { showHidden } from "./format.ts";

export type LiveStatus = "connecting" | "live" | "lost";
type RowsListener = (rows: readonly LogRow[]) => void;

const resumeMaxMs = 30_000;
/** The daemon sends a sign of life every 15 s. */
const silentMaxMs = 40_000;
/** No one reads faster than this. */
const flushMinMs = 100;
const retryMs = [500, 1_000, 2_000, 4_000] as const;
/** How many rows wait at most where there are no frames, as in a window behind another one. */
const pendingMax = 2_000;

class Live {
  status: LiveStatus = "connecting";
  /** When the connection was lost; null while it is there. */
  lostAt: number | null = null;
  readonly #rows = new Set<RowsListener>();
  readonly #changes = new Set<() => void>();
  readonly #resyncs = new Set<() => void>();
  #pending: LogRow[] = [];
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #flushedAt = -Infinity;
  #lastId: number | null = null;
  #hiddenAt: number | null = null;
  #connection: AbortController | null = null;
  #failures = 0;
  #isOver = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    onSignedOut(() => this.#isOver = true);
    document.addEventListener("visibilitychange", () => document.hidden ? this.#hide() : this.#show());
    if (document.hidden) this.#hiddenAt = Date.now();
    else this.#connect();
  }

  /** Called with the rows of a frame, oldest first. */
  onRows(listener: RowsListener): () => void {
    this.#rows.add(listener);
    return () => this.#rows.delete(listener);
  }

  onStatus(listener: () => void): () => void {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  /** Called when rows may have been missed: what is shown has to be requested again. */
  onResync(listener: () => void): () => void {
    this.#resyncs.add(listener);
    return () => this.#resyncs.delete(listener);
  }

  #hide(): void {
    this.#hiddenAt ??= Date.now();
    clearTimeout(this.#retry);
    this.#connection?.abort();
    this.#connection = null;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  #show(): void {
    const away = Date.now() - (this.#hiddenAt ?? Date.now());
    this.#hiddenAt = null;
    if (away > resumeMaxMs) {
      this.#lastId = null;
      this.#pending = [];
      this.#resync();
    }
    this.#failures = 0;
    if (this.#pending.length > 0) this.#plan();
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    if (this.#connection !== null || document.hidden || this.#isOver) return;
    const connection = this.#connection = new AbortController();
    this.#read(connection).catch(() => {}).finally(() => {
      if (this.#connection !== connection) return;
      this.#connection = null;
      this.#setStatus("lost");
      const wait = retryMs[Math.min(this.#failures++, retryMs.length - 1)];
      this.#retry = setTimeout(() => this.#connect(), wait);
    });
  }

  /** Returns or throws when the connection ends. */
  async #read(connection: AbortController): Promise<void> {
    const headers: Record<string, string> = { accept: "text/event-stream" };
    if (this.#lastId !== null) headers["last-event-id"] = String(this.#lastId);
    const answer = await fetch("/v1/events", { headers, signal: connection.signal, credentials: "same-origin" });
    if (answer.status === 401) return noteSignedOut();
    if (!answer.ok || answer.body === null) return;
    // Rows that came between the first answers and this stream are in neither.
    const mayMiss = this.#failures > 0 || this.#lastId === null;
    this.#failures = 0;
    this.#setStatus("live");
    if (mayMiss) this.#resync();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const silent = setTimeout(() => connection.abort(), silentMaxMs);
      const part = await reader.read().finally(() => clearTimeout(silent));
      if (part.done) return;
      const events = (text + part.value).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) this.#take(event);
    }
  }

  #take(event: string): void {
    let name = "", data = "";
    for (const line of event.split("\n")) {
      if (line.startsWith("data: ")) data = line.slice(6);
      else if (line.startsWith("event: ")) name = line.slice(7);
      else if (line.startsWith("id: ")) this.#lastId = Number(line.slice(4));
    }
    if (name === "gap") return this.#resync();
    if (data === "") return;
    this.#pending.push(JSON.parse(showHidden(data)));
    if (this.#pending.length > pendingMax) this.#pending.splice(0, this.#pending.length - pendingMax);
    this.#plan();
  }

  #plan(): void {
    if (this.#frame !== 0 || this.#rest !== undefined) return;
    const rest = this.#flushedAt + flushMinMs - performance.now();
    if (rest <= 0) this.#frame = requestAnimationFrame(() => this.#flush());
    else {
      this.#rest = setTimeout(() => {
        this.#rest = undefined;
        this.#plan();
      }, rest);
    }
  }

  #flush(): void {
    this.#frame = 0;
    this.#flushedAt = performance.now();
    const rows = this.#pending;
    this.#pending = [];
    for (const listener of this.#rows) listener(rows);
  }

  #resync(): void {
    for (const listener of this.#resyncs) listener();
  }

  #setStatus(status: LiveStatus): void {
    if (this.status === status) return;
    this.status = status;
    this.lostAt = status === "lost" ? Date.now() : null;
    for (const listener of this.#changes) listener();
  }
}

export const live = new Live();
