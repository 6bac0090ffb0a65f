/** The outcomes of attacks as text, and how ticks beside them are counted. Used by attack_daemon.ts. */
import type { ComputeResult } from "../../src/protocol/api.ts";
import { isPlainObject, type Json } from "../../src/protocol/json.ts";
import { tickMs } from "./attack_workspace.ts";

/** Lateness of the steady sense's ticks, in milliseconds. */
export interface Ticks {
  readonly count: number;
  readonly median: number;
  readonly worst: number;
}

/** Milliseconds from tick to tick. */
export function apart({ median }: Ticks): number {
  return tickMs + median;
}

export function tell(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`  ${line.slice(0, 300)}\n`));
}

export function textOf(result: ComputeResult | null): string {
  switch (result?.kind) {
    case "error":
      return `threw ${result.message}`;
    case "signal":
      return `returned ${JSON.stringify(returnedBy(result.signal.payload))}`;
    case "group_down":
      return `died: ${result.message}`;
    default:
      return result === null ? "no outcome" : result.kind;
  }
}

function returnedBy(payload: Json): Json {
  return isPlainObject(payload) && Object.hasOwn(payload, "returned") ? payload.returned as Json : payload;
}
