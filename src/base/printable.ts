/** Makes foreign text safe for a terminal. Used wherever nerve prints text that it did not write itself. */

// deno-lint-ignore no-control-regex -- control characters are what this finds
const obeyed = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/**
 * Escapes control characters, C1 too, which a terminal obeys, and those of bidirectional text, which reorder it. As many of
 * them as there may be cost no more than other text.
 */
export function toPrintable(text: string): string {
  if (!obeyed.test(text)) return text;
  let printable = "", from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isObeyed(code)) continue;
    printable += `${text.slice(from, at)}\\u${code.toString(16).padStart(4, "0")}`;
    from = at + 1;
  }
  return printable + text.slice(from);
}

/** The same characters as `obeyed`. */
function isObeyed(code: number): boolean {
  if (code < 0x7f) return code < 0x20;
  return code < 0xa0 || code === 0x61c || code === 0x200e || code === 0x200f || (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069);
}
