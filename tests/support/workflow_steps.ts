/** The random steps of workflow_world.ts, and its workflows. */
import type { WorkflowPlan } from "../../src/workflow/engine.ts";
import fc from "./fast_check.ts";

/** Possible steps. `a` and `b` choose among what exists; `hold`: no commit at the end of the step. */
export interface Step {
  readonly kind: (typeof kinds)[number];
  readonly a: number;
  readonly b: number;
  readonly hold: boolean;
}
const kinds = [
  ...["start", "start", "start", "start", "start", "start", "start_again"] as const,
  ...["message", "message", "message", "message", "message", "message", "message", "message"] as const,
  ...[
    "once",
    "once",
    "once",
    "once",
    "forge",
    "finish",
    "finish",
    "throw",
    "begin",
    "die",
    "die",
    "die",
    "kill",
    "kill",
    "tick",
    "reap",
  ] as const,
  ...["wait", "wait", "wait", "wait", "wait", "decide", "decide", "decide", "send", "send", "send"] as const,
  ...["pause", "pause", "resume", "resume", "close", "close", "close"] as const,
  ...["reload", "reload", "reload", "probed", "probed", "probed", "probed", "probed", "probed"] as const,
  ...["down", "up", "quarantine", "configure", "fail", "stop", "kill9"] as const,
] as const;

export const stepArbitrary: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...kinds),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
  hold: fc.boolean(),
});

/** A possible retry policy. */
export const waits: readonly (number | null)[] = [null, 0, 700];

export function plan(
  name: string,
  concurrency: number,
  overflow: "drop" | "queue",
  maxQueue: number,
  waiting: "keep" | "release" = "keep",
): WorkflowPlan {
  const sizes = { engine: null, waiting, maxThreadBytes: 128 * 1024 ** 2, memoryBytes: 256 * 1024 ** 2 } as const;
  return { name, concurrency, overflow, maxQueue, maxRounds: 4, drainTimeoutMs: 30_000, ...sizes };
}

export function pick<T>(from: readonly T[], n: number): T | undefined {
  return from[n % from.length];
}
