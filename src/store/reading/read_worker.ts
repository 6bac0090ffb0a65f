/**
 * The main module of the reading thread: reads pages over its own connection, several at a time in slices, and writes
 * them as JSON. Started by read_thread.ts. However long a read takes, it blocks only this thread.
 */
import { systemClock } from "../../base/clock.ts";
import { messageOf, NerveError } from "../../base/errors.ts";
import { identifyFile } from "../../base/file_identity.ts";
import { TextMask } from "../../base/text_mask.ts";
import type { LogRow } from "../../protocol/log.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { type TextPage, writeOne, writePage } from "../../protocol/text_page.ts";
import { History } from "../history/history.ts";
import { StoreReader } from "../log/reader.ts";
import { readStoreStats } from "../maintenance/stats.ts";
import { listSeries, readSeries } from "../sqlite/sense_series.ts";
import type { FromReader, OpenedLog, ReadRequest, ToReader } from "./read_messages.ts";
import { readInSlices } from "./slices.ts";
import type { Steps } from "./steps.ts";

globalThis.addEventListener("message", (event) => {
  if (!(event instanceof MessageEvent)) return;
  const [port] = event.ports, log: OpenedLog = event.data;
  if (port === undefined) throw new Error("nerve bug: the reader was started without its port");
  const send = (message: FromReader, transfer: Transferable[] = []) => port.postMessage(message, transfer);
  try {
    const reads = new Reads(openVerified(log), log.archiveFolder, send);
    port.onmessage = ({ data }) => reads.handle(data);
    send({ kind: "ready" });
  } catch (thrown) {
    send({ kind: "broken", message: messageOf(thrown) });
  }
}, { once: true });

/** Opens the log, and checks the identity of its file before and after. */
function openVerified(log: OpenedLog): StoreReader {
  assertSame(log);
  const reader = StoreReader.open(log.path);
  assertSame(log);
  if (reader === null) throw new Error(`${log.path} holds no log`);
  return reader;
}

function assertSame({ path, identity }: OpenedLog): void {
  if (identity === null || identifyFile(path) !== identity) throw new Error(`${path} was replaced by another file`);
}

class Reads {
  readonly #reader: StoreReader;
  readonly #history: History;
  readonly #send: (message: FromReader, transfer?: Transferable[]) => void;
  readonly #running = new Map<number, AbortController>();
  #mask = new TextMask([]);
  #ending = false;

  constructor(
    reader: StoreReader,
    archiveFolder: string,
    send: (message: FromReader, transfer?: Transferable[]) => void,
  ) {
    this.#reader = reader;
    this.#history = new History(reader, archiveFolder);
    this.#send = send;
  }

  handle(message: ToReader): void {
    switch (message.kind) {
      case "read":
        return void this.#read(message.id, message.request);
      case "cancel":
        return this.#running.get(message.id)?.abort();
      case "secrets":
        this.#mask = new TextMask(message.spellings);
        return;
      case "end":
        this.#ending = true;
        for (const read of this.#running.values()) read.abort();
        return this.#closeIfOver();
    }
  }

  async #read(id: number, request: ReadRequest): Promise<void> {
    const cancel = new AbortController();
    this.#running.set(id, cancel);
    try {
      const page = await readInSlices(this.#page(request), systemClock, cancel.signal);
      this.#send({ kind: "page", id, page }, [page.text.buffer]);
    } catch (thrown) {
      const { code, hint } = thrown instanceof NerveError ? thrown : { code: null, hint: null };
      this.#send({ kind: "failed", id, code, message: messageOf(thrown), hint });
    } finally {
      this.#running.delete(id);
      this.#closeIfOver();
    }
  }

  #closeIfOver(): void {
    if (!this.#ending || this.#running.size > 0) return;
    this.#reader.close();
    this.#send({ kind: "closed" });
  }

  *#page(request: ReadRequest): Steps<TextPage> {
    const show = <T>(item: T) => this.#mask.mask(item);
    const row = ({ id, type }: LogRow) => ({ key: id, type });
    switch (request.kind) {
      case "logs": {
        const { filter, archived } = request;
        return yield* writePage(yield* this.#history.logs(filter, archived), null, show, row);
      }
      case "rows": {
        const { filter, maxBytes } = request;
        return yield* writePage(yield* this.#reader.logPage(filter, maxBytes), null, show, row);
      }
      case "messages": {
        const page = yield* this.#history.messages(request.runId, request.query);
        return yield* writePage(page, null, show, ({ round }: RunMessage) => ({ key: round, type: null }));
      }
      case "runs": {
        const page = yield* this.#reader.runPage(request.query);
        return yield* writePage(page, page.total, show, ({ runId }: Run) => ({ key: runId, type: null }));
      }
      case "columns":
        return yield* writeOne(yield* listSeries(request.database), show);
      case "series":
        return yield* writeOne(yield* readSeries(request.database, request.query), show);
      case "sizes":
        return yield* writeOne(readStoreStats(request.paths, request.now), show);
    }
  }
}
