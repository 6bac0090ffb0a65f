/**
 * The result of every benchmark: a figure, its spread over the runs, and its floor, which is what the bare machine does
 * in the same minute without nerve. main.ts prints it, and guard.ts bounds the ratio.
 * I1. `ratio` says how many times worse than its floor a figure is, whatever its unit: 1 is the limit of the machine.
 */
import { systemClock } from "../../src/base/clock.ts";

/** Rates are better when higher, everything else when lower. */
export type Unit =
  | "runs/s"
  | "computes/s"
  | "signals/s"
  | "rows/s"
  | "requests/s"
  | "frames/s"
  | "ms"
  | "MiB"
  | "KiB"
  | "%"
  | "files"
  | "processes"
  | "computes"
  | "rows";

export interface Figure {
  readonly figure: string;
  readonly unit: Unit;
  /** The median of the runs; `min` and `max` are the smallest and the largest. */
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
  /** Null when there is no floor, because the measured value could be zero. */
  readonly floor: number | null;
  readonly ratio: number | null;
}

export type Figures = AsyncGenerator<Figure, void, void>;

/** `floor`: in the same unit, measured in the same run. */
export function figure(name: string, unit: Unit, values: readonly number[], floor: number | null): Figure {
  const sorted = values.toSorted((a, b) => a - b), value = percentile(sorted, 50);
  const more = unit.endsWith("/s");
  const ratio = floor === null ? null : more ? floor / value : value / floor;
  return {
    figure: name,
    unit,
    value: rounded(value),
    min: rounded(sorted[0] ?? NaN),
    max: rounded(sorted.at(-1) ?? NaN),
    runs: values.length,
    floor: floor === null ? null : rounded(floor),
    ratio: ratio === null ? null : rounded(ratio),
  };
}

/** For values in any order; `percent` 50 is the median. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * percent / 100))] ?? NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The duration of `work` in milliseconds. */
export async function timed(work: () => unknown): Promise<number> {
  const from = systemClock.monotonic();
  await work();
  return systemClock.monotonic() - from;
}

/** The results of `times` calls, one after the other. */
export async function repeated<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let time = 0; time < times; time++) results.push(await work());
  return results;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
