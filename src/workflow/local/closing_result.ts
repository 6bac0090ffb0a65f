/** Checks the untrusted result of `finally` that a process reports. Pure; used by closings.ts. */
import { messageContentMaxBytes, messageMetaMaxBytes } from "../../base/limits.ts";
import { reportPathOf, type RunClosing } from "../../protocol/closing.ts";
import { byteLength, type JsonObject, toJsonText } from "../../protocol/json.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { Run } from "../../protocol/run.ts";
import { formatPlace } from "../../protocol/signal_text.ts";
import { toReason } from "./run_writer.ts";

/** What `finally` returned, or why it failed. */
export type ClosingResult = { readonly content: string; readonly meta: JsonObject } | { readonly error: string };

/** Null: there is no `finally`. */
export function toClosingResult(outcome: Extract<FromProcess, { t: "closed" }>["outcome"]): ClosingResult | null {
  if (outcome.kind === "none") return null;
  if (outcome.kind === "failed") return { error: toReason(`${outcome.message}${formatPlace(outcome.place)}`) };
  const { meta } = outcome, content = outcome.content.toWellFormed(), text = toJsonText(meta, messageMetaMaxBytes);
  if (byteLength(content) > messageContentMaxBytes) {
    return { error: `content is larger than ${messageContentMaxBytes} bytes` };
  }
  return text.ok ? { content, meta } : { error: `meta ${text.error}` };
}

/** The payload of the `run.closed` row. `report`: the result is the run's report. */
export function createClosing(
  { runId, status }: Pick<Run, "runId" | "status">,
  { attempts, report }: { readonly attempts: number; readonly report: boolean },
  result: ClosingResult,
): RunClosing {
  return { status, attempts, ...report ? { report: reportPathOf(runId) } : {}, ...result };
}
