/** The result of a compute in words. Used by `nerve sense trigger`. */
import { unreachable } from "../../base/errors.ts";
import type { ComputeResult } from "../../protocol/api.ts";
import { formatPlace } from "../../protocol/signal_text.ts";
import { formatNothing } from "./cause_text.ts";
import { clip, preview, sign } from "./terminal.ts";

export function formatResult(name: string, result: ComputeResult): string {
  switch (result.kind) {
    case "null":
      if (result.silent !== undefined) return `${sign.idle} ${name} was silent: ${clip(result.silent, 1_000)}`;
      return `${sign.idle} ${name} returned ${
        result.returned === undefined ? "null: no signal" : formatNothing(result.returned)
      }`;
    case "signal":
      return `${sign.signal} ${name} signal ${result.signal.id} ${preview(result.signal.payload, 1_000)}`;
    case "run":
      return `${sign.ok} ${name} started ${result.workflow}: nerve workflow thread ${result.runId}`;
    case "error": {
      const { place, message } = result;
      const where = formatPlace(place);
      return `${sign.failed} ${name} failed: ${clip(message, 1_000)}${clip(where, 300)}`;
    }
    case "timeout":
      return `${sign.failed} ${name} timed out after ${result.afterMs / 1_000} s` +
        (result.killed ? "; its process was killed" : "");
    case "group_down":
      return `${sign.failed} ${name} could not compute: ${clip(result.message, 1_000)}`;
    default:
      return unreachable(result);
  }
}
