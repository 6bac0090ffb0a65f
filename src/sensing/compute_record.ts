/** The in-memory record of a sense's computes, and the text of a result. Pure; used by manager.ts. */
import { formatDuration } from "../base/duration.ts";
import type { ComputeResult, SenseCounters, SenseView } from "../protocol/api.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { ComputeOutcome, Signal } from "../protocol/signal.ts";
import { formatPlace } from "../protocol/signal_text.ts";
import type { ComputeLimits } from "./ports.ts";

export interface SenseRecord {
  limits: ComputeLimits;
  readonly counters: SenseCounters;
  /** Counts of the reasons that its code gave for silence. */
  readonly silences: Map<string, number>;
  lastCompute: SenseView["lastCompute"];
  lastSignal: Signal | null;
  /** Why its last load failed; empty when it succeeded. */
  loadProblems: readonly LoadProblem[];
}

export function createSenseRecord(limits: ComputeLimits): SenseRecord {
  return {
    limits,
    counters: createCounters(),
    silences: new Map(),
    lastCompute: null,
    lastSignal: null,
    loadProblems: [],
  };
}

function createCounters(): SenseCounters {
  return {
    computes: 0,
    signals: 0,
    runs: 0,
    null: 0,
    throttled: 0,
    coalesced: 0,
    timeout: 0,
    error: 0,
    group_down: 0,
  };
}

/** Reasons that are counted separately; further ones are counted together. */
const silencesMax = 20;

export function countSilence({ silences }: SenseRecord, why: string): void {
  const key = silences.has(why) || silences.size < silencesMax ? why : "other reasons";
  silences.set(key, (silences.get(key) ?? 0) + 1);
}

/** Details of a result beyond its kind. */
export function detailOf(result: ComputeResult | ComputeOutcome): string | null {
  switch (result.kind) {
    case "error": {
      const { place, message } = result;
      return `${message}${formatPlace(place)}`;
    }
    case "timeout":
      return `did not finish within ${formatDuration(result.afterMs)}${
        result.killed ? "; its process was killed" : ""
      }`;
    case "group_down":
      return result.message;
    case "run":
      return result.runId;
    case "signal":
      return result.warning ?? null;
    case "null":
      return result.silent ?? null;
    default:
      return null;
  }
}
