/** Any reflex of a valid nerve.yaml, for the property test of its parser. */
import type { ReflexConfig } from "../../src/config/types.ts";
import fc from "./fast_check.ts";

const anySpan = fc.integer({ min: 10, max: 10 ** 9 });

/** Reflexes only trigger senses that come later in the list: no cycles. */
export const anyReflex = (names: readonly string[]): fc.Arbitrary<ReflexConfig> => {
  return fc.nat(names.length - 1).chain((index) => {
    return fc.record({
      sense: fc.constant(names[index] ?? ""),
      intervalMs: fc.option(anySpan),
      cron: fc.option(fc.constantFrom("0 9 * * 1-5", "*/5 * * * *", "@daily")),
      timezone: fc.option(fc.constantFrom("UTC", "Europe/Berlin")),
      catchUp: fc.constantFrom("once", "none"),
      jitterMs: anySpan,
      on: fc.subarray(names.slice(0, index)),
      hook: fc.constant(null),
      watch: fc.subarray(["./in", "/srv/**/*.csv", "~/mail"]),
      debounceMs: fc.integer({ min: 0, max: 60_000 }),
    }).filter(({ intervalMs, cron, on, watch }) => intervalMs !== null || cron !== null || on.length + watch.length > 0)
      .map((value) => value.watch.length === 0 ? { ...value, debounceMs: 500 } : value)
      .map((value) => value.cron === null ? { ...value, timezone: null, catchUp: "none" as const } : value)
      .map((value) => value.cron === null && value.intervalMs === null ? { ...value, jitterMs: 0 } : value);
  });
};
