/**
 * Pages of the log and of runs for the control API. The store's reading thread reads and masks them. Created by
 * wiring.ts.
 * I1. A page includes every row published before the request: a signal is published before its row is written.
 */
import { eventReplayBytes } from "../base/limits.ts";
import type { PageReader } from "../protocol/queries.ts";
import type { TextPage } from "../protocol/text_page.ts";
import type { ReadRequest } from "../store/reading/read_messages.ts";
import type { Store } from "../store/store.ts";
import type { CurrentSecrets } from "./current_secrets.ts";

export function createPageReader(store: Store, secrets: Pick<CurrentSecrets, "spellings">): PageReader {
  async function read(request: ReadRequest, gone: AbortSignal): Promise<TextPage> {
    await store.recorded();
    store.reads.mask(secrets.spellings);
    return await store.reads.read(request, gone);
  }
  return {
    runs: (query, gone) => read({ kind: "runs", query }, gone),
    messages: (runId, query, gone) => read({ kind: "messages", runId, query }, gone),
    logs: (filter, archived, gone) => read({ kind: "logs", filter, archived }, gone),
    rows: (filter, gone) => read({ kind: "rows", filter, maxBytes: eventReplayBytes }, gone),
    lastRowId() {
      store.flush();
      return store.reader.lastId();
    },
    nextRowId: (after) => store.reader.nextId(after),
  };
}
