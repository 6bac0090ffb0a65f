/** Messages between the kernel's thread (read_thread.ts) and the reading thread (read_worker.ts). */
import type { ErrorCode } from "../../base/error_codes.ts";
import type { Spelling } from "../../base/text_mask.ts";
import type { SeriesRequest } from "../../protocol/dashboard.ts";
import type { LogFilter } from "../../protocol/log.ts";
import type { MessageQuery, RunQuery } from "../../protocol/queries.ts";
import type { TextPage } from "../../protocol/text_page.ts";
import type { DataPaths } from "../maintenance/data_files.ts";

/** What to read; see `History` and `StoreReader`. */
export type ReadRequest =
  | { readonly kind: "logs"; readonly filter: LogFilter; readonly archived: boolean }
  /** Rows of the log only, in smaller pages: those of an event stream. */
  | { readonly kind: "rows"; readonly filter: LogFilter; readonly maxBytes: number }
  | { readonly kind: "messages"; readonly runId: string; readonly query: MessageQuery }
  | { readonly kind: "runs"; readonly query: RunQuery }
  /** One item: the columns of numbers of a sense's database, or one of them over time (sense_series.ts). */
  | { readonly kind: "columns"; readonly database: string }
  | { readonly kind: "series"; readonly database: string; readonly query: SeriesRequest }
  /** One item: the sizes of all data. */
  | { readonly kind: "sizes"; readonly paths: DataPaths; readonly now: number };

/** The log that the kernel has open; another file may have replaced it at the same path. */
export interface OpenedLog {
  readonly path: string;
  readonly archiveFolder: string;
  /** From `identifyFile`. */
  readonly identity: string | null;
}

/** Messages to the reading thread: first the log, then reads; `end` ends the thread. */
export type ToReader =
  | { readonly kind: "read"; readonly id: number; readonly request: ReadRequest }
  | { readonly kind: "cancel"; readonly id: number }
  /** The secrets to mask in every page from now on. */
  | { readonly kind: "secrets"; readonly spellings: readonly Spelling[] }
  | { readonly kind: "end" };

export type FromReader =
  | { readonly kind: "ready" }
  /** The thread cannot work at all. */
  | { readonly kind: "broken"; readonly message: string }
  | { readonly kind: "page"; readonly id: number; readonly page: TextPage }
  /** `code`: null for a bug of nerve. */
  | {
    readonly kind: "failed";
    readonly id: number;
    readonly code: ErrorCode | null;
    readonly message: string;
    readonly hint: string | null;
  }
  | { readonly kind: "closed" };
