/**
 * Checks which versions of nerve a workspace needs: `nerve: ">=0.1"` in nerve.yaml. npm's notation, without
 * alternatives (`||`) and pre-releases. Pure; used by parse.ts.
 */

type Version = readonly [major: number, minor: number, patch: number];

const comparatorPattern = /^(>=|<=|>|<|=|\^|~|)(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?$/;

/**
 * Whether `version` is in `range`: comparators with one to three numbers (`>=0.1`, `^0.2`, `~1.4`, `1.2.3`), separated
 * by spaces, which must all hold. Null when `range` is invalid. A pre-release counts as its release version.
 */
export function satisfiesRange(version: string, range: string): boolean | null {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const asked: Version = [Number(major), Number(minor), Number(patch)];
  const words = range.trim().split(/\s+/);
  const bounds = words.map(parseComparator);
  if (bounds.includes(null)) return null;
  return bounds.every((each) => each !== null && compare(each[0], asked) <= 0 && compare(asked, each[1]) < 0);
}

const first: Version = [0, 0, 0], beyond: Version = [Infinity, 0, 0];

/** The lowest version that matches a comparator, and the lowest one above it that does not. */
function parseComparator(word: string): readonly [from: Version, before: Version] | null {
  const match = comparatorPattern.exec(word);
  if (match === null) return null;
  const [, operator = "", ...texts] = match;
  const given = texts.filter((text) => text !== undefined).map(Number);
  const from: Version = [given[0] ?? 0, given[1] ?? 0, given[2] ?? 0];
  const last = given.length - 1;
  switch (operator) {
    case ">=":
      return [from, beyond];
    case ">":
      return [bump(from, last), beyond];
    case "<":
      return [first, from];
    case "<=":
      return [first, bump(from, last)];
    case "~":
      return [from, bump(from, Math.min(1, last))];
    case "^": {
      // Before 1.0, the first non-zero number acts as the major version.
      const leading = given.findIndex((part) => part > 0);
      return [from, bump(from, leading === -1 ? last : leading)];
    }
    default:
      return [from, bump(from, last)];
  }
}

/** The next version with a higher number at `position`. */
function bump([major, minor, patch]: Version, position: number): Version {
  if (position === 0) return [major + 1, 0, 0];
  return position === 1 ? [major, minor + 1, 0] : [major, minor, patch + 1];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
