/** The wait before the next try: it starts at `firstMs` and doubles with each failure, up to `maxMs`. */
export function calculateBackoff(failures: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1));
}
