/**
 * Finds the text that was meant where YAML reads something else, because it begins with a sign that YAML reserves: a
 * cron line, a file pattern. Used by document.ts.
 */

export interface Unquoted {
  /** As written, without quotes. */
  readonly value: string;
  readonly offset: number;
}

/** The text that begins with `sign` where a value begins, in the line of `offset` and not after it; null: none. */
export function findUnquoted(text: string, offset: number, sign: string): Unquoted | null {
  const start = text.lastIndexOf("\n", offset - 1) + 1, end = text.indexOf("\n", start);
  const line = text.slice(start, Math.min(end < 0 ? text.length : end, start + lineMaxChars)).replace(/\r$/, "");
  for (let at = line.indexOf(sign); at >= 0 && start + at <= offset; at = line.indexOf(sign, at + 1)) {
    const before = line.slice(0, at);
    if (!/(?:^|[:,[{-])\s*$/.test(before) || /[:-]$/.test(before)) continue;
    return { value: cutValue(line.slice(at), /[[{]/.test(before)), offset: start + at };
  }
  return null;
}

const lineMaxChars = 1_000;

/** Cuts the value at the end of the line, at a comment, or at what ends a value within brackets. */
function cutValue(rest: string, isFlow: boolean): string {
  const whole = rest.replace(/\s+#.*$/, "");
  return (isFlow ? whole.replace(/\s*(?:[\]}].*|,\s*[\w-]+:.*)$/, "") : whole).trimEnd();
}

/** Hints at the text to write instead. */
export function quoteHint({ value }: Unquoted): string {
  return `put it in quotes: ${JSON.stringify(value.slice(0, 80))}`;
}
