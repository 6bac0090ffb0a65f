/** "Did you mean": finds the nearest of a set of known names. */

/**
 * The candidate with the fewest edits from `name`, or null when none is near: at most a third of the name's letters
 * (but at least one, unless it has only one) may differ. Swapping two adjacent letters counts as one edit.
 */
export function findNearest(name: string, candidates: Iterable<string>): string | null {
  const normal = name.toLowerCase().replaceAll("_", "-");
  let best: string | null = null;
  let bestDistance = (normal.length < 2 ? 0 : Math.max(1, Math.floor(normal.length / 3))) + 1;
  if (normal.length > longestCompared) return null;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - normal.length) >= bestDistance) continue;
    const distance = countEdits(normal, candidate.toLowerCase().replaceAll("_", "-"));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** `did you mean "x"?`, or `known: a, b, c` when no name is near and the list is short, else null. */
export function hintNearest(name: string, candidates: Iterable<string>): string | null {
  const known = [...candidates];
  const found = findNearest(name, known);
  if (found !== null) return `did you mean "${found}"?`;
  return known.length > 0 && known.length <= shownAtMost ? `known: ${known.join(", ")}` : null;
}

const longestCompared = 100;
const shownAtMost = 12;

/** The fewest insertions, deletions, replacements and swaps of adjacent letters that turn `a` into `b`. */
export function countEdits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = readCell(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, readCell(last, j) + 1, readCell(row, j - 1) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, readCell(beforeLast, j - 2) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return readCell(last, b.length);
}

function readCell(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
