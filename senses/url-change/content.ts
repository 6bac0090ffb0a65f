/**
 * Selects the parts of a page that count, and compares two states of it. Used by index.ts.
 * I1. Every step takes time proportional to the length of the page, whatever it contains and whatever the patterns are.
 */
import { Matcher } from "../../lib/matcher.ts";

export interface Rules {
  /** For a page in HTML: only the text without tags, scripts and styles. */
  readonly textOnly: boolean;
  /** Only pieces that match one of these count; all when there are none. */
  readonly only: readonly Matcher[];
  /** Pieces that match one of these do not count. */
  readonly ignore: readonly Matcher[];
}

/** Patterns see only this much of a piece. */
const pieceMaxChars = 16_384;

/** Splits into lines, and in HTML into tags and the text between them, without blanks at their ends. */
export function findPieces(text: string, isHtml: boolean, { textOnly, only, ignore }: Rules): string[] {
  // Line breaks mean nothing in HTML, so only its tags separate pieces.
  const raw = isHtml ? text.split(/(?=<)|(?<=>)/) : text.split(/\r\n|\n|\r/);
  const pieces = raw.map((piece) => piece.replaceAll(/\s+/g, " ").trim()).filter((piece) => piece !== "");
  const kept = isHtml && textOnly ? withoutTags(pieces) : pieces;
  return kept.filter((piece) => {
    const tested = piece.slice(0, pieceMaxChars);
    return (only.length === 0 || only.some((each) => each.test(tested))) && !ignore.some((each) => each.test(tested));
  });
}

function withoutTags(pieces: readonly string[]): string[] {
  const kept: string[] = [];
  let hidden: string | null = null;
  for (const piece of pieces) {
    const tag = /^<(\/?)(script|style|template|noscript)\b/i.exec(piece);
    if (hidden !== null) {
      if (tag?.[1] === "/" && tag[2]?.toLowerCase() === hidden) hidden = null;
    } else if (tag !== null && tag[1] === "" && !piece.endsWith("/>")) hidden = tag[2]?.toLowerCase() ?? null;
    else if (!piece.startsWith("<")) kept.push(piece);
  }
  return kept;
}

export interface Difference {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** Pieces that only one of the states has, in their order; a piece that has only moved is in neither. */
export function compare(before: readonly string[], now: readonly string[]): Difference {
  return { added: without(now, before), removed: without(before, now) };
}

function without(pieces: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1);
  return pieces.filter((piece) => {
    const count = left.get(piece) ?? 0;
    if (count > 0) left.set(piece, count - 1);
    return count === 0;
  });
}

export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
