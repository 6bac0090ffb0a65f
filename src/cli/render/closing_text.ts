/** Describes what the `finally` of an ended run did. */
import { reasonMaxChars } from "../../base/limits.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { Run } from "../../protocol/run.ts";
import type { CliRecords } from "../open_records.ts";
import { clip, formatDateTime, toOneLine } from "./terminal.ts";

const contentMaxChars = 500;

/** What the `finally` returned, or why it failed; null when there is none. */
export function describeClosing(records: CliRecords, runId: string): string | null {
  const closing = readClosing(records, runId);
  if (closing === null || closing === "pending") return closing === null ? null : "it is still to run";
  const { error, content, ts } = closing;
  if (error !== null) return `failed: ${toOneLine(error, reasonMaxChars)}`;
  return content === "" ? `done, ${formatDateTime(ts)}` : clip(toOneLine(content, contentMaxChars), contentMaxChars);
}

/** The status of a run, with what is pending or went wrong after its end. */
export function describeStatus(records: CliRecords | null, { runId, status, endedAt }: Run): string {
  const closing = records === null || endedAt === null || status === "dropped" ? null : readClosing(records, runId);
  if (closing === "pending") return `${status}, closing`;
  return closing !== null && closing.error !== null ? `${status}, finally failed` : status;
}

interface Closing {
  readonly error: string | null;
  readonly content: string;
  readonly ts: number;
}

function readClosing(records: CliRecords, runId: string): Closing | "pending" | null {
  const [row] = records.logs({ refId: runId, type: "run.closed", order: "desc", limit: 1 });
  if (row === undefined) return records.isClosing(runId) ? "pending" : null;
  if (!isPlainObject(row.payload)) return null;
  const { error, content, report } = row.payload;
  const text = typeof report === "string" ? `the report is ${report}` : String(content ?? "");
  return { error: typeof error === "string" ? error : null, content: text, ts: row.ts };
}
