/** How long to wait before the next try: twice as long after each failure, up to a bound. */
export function calculateBackoff(failures: number, firstMs: number, maxMs: number): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1));
}
