/**
 * How much slower than its floor a hot path may be: four times the ratio that docs/performance.md states, so that a new
 * figure there moves its bound. Used by guard.ts; tests/house/performance_test.ts checks that each figure exists.
 */
import { readSource } from "../support/source_files.ts";

const times = 4;

/** The guarded figures, as the table names them; `at` selects one of several numbers in a cell. */
export const guarded = {
  runs: { figure: "durable runs of three roles a second, 64 in flight", at: 0 },
  computes: { figure: "computes a second of one sense, of eight groups", at: 0 },
  listener: { figure: "from a signal to the answer of its listener, median", at: 0 },
  rows: { figure: "log rows a second, 100 in each turn of the event loop", at: 0 },
  version: { figure: "`nerve version`", at: 0 },
  list: { figure: "`nerve sense list` without a daemon, and with one", at: 0 },
  answer: { figure: "`nerve run` to its first answer, to its first signal", at: 0 },
} as const;

/** Throws when the document lacks the figure or its floor. */
export function boundOf({ figure, at }: { readonly figure: string; readonly at: number }): number {
  const row = readSource("docs/performance.md").split("\n").find((line) => line.includes(`| ${figure} |`));
  const [measured, floor] = (row?.split("|").slice(3, 5) ?? []).map((cell) => numberIn(cell, at));
  if (!measured || !floor) throw new Error(`docs/performance.md does not state "${figure}" beside a floor`);
  return times * (figure.includes(" a second") ? floor / measured : measured / floor);
}

/** In `120; 200 ms` the number at 0 is 120. A cell with one number states it for all positions. */
function numberIn(cell: string, at: number): number {
  const numbers = [...cell.matchAll(/\d[\d,]*(\.\d+)?/g)].map(([text]) => Number(text.replaceAll(",", "")));
  return numbers[at] ?? numbers[0] ?? NaN;
}
