/** "Did you mean": finds the nearest of a set of known names. */

/**
 * The candidate with the fewest edits from `name`, or null when none is near: at most a third of the name's letters
 * (but at least one, unless it has only one) may differ. Swapping two adjacent letters counts as one edit. Of many
 * candidates with the same letters only the first `comparedMax` are compared.
 */
export function findNearest(name: string, candidates: Iterable<string>): string | null {
  if (name.length > longestCompared) return null;
  const normal = normalize(name), letters = countLetters(normal);
  let best: string | null = null, compared = 0;
  let bestDistance = (normal.length < 2 ? 0 : Math.max(1, Math.floor(normal.length / 3))) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - normal.length) >= bestDistance) continue;
    const other = normalize(candidate);
    if (countOtherLetters(letters, other) >= bestDistance) continue;
    if (++compared > comparedMax) break;
    const distance = countEdits(normal, other);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function normalize(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function countLetters(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const letter of text.split("")) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return counts;
}

/** How many letters of `text` are not among `letters`: a lower bound for the number of edits. */
function countOtherLetters(letters: ReadonlyMap<string, number>, text: string): number {
  const left = new Map(letters);
  let others = 0;
  for (const letter of text.split("")) {
    const count = left.get(letter) ?? 0;
    if (count === 0) others++;
    else left.set(letter, count - 1);
  }
  return others;
}

/** `did you mean "x"?`, or `known: a, b, c` when no name is near and the list is short, else null. */
export function hintNearest(name: string, candidates: Iterable<string>): string | null {
  const known = [...candidates];
  const found = findNearest(name, known);
  if (found !== null) return `did you mean "${found}"?`;
  return known.length > 0 && known.length <= shownAtMost ? `known: ${known.join(", ")}` : null;
}

const longestCompared = 100;
/** A comparison takes up to 100 us, and a broken nerve.yaml can cause a thousand hints. */
const comparedMax = 20;
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
