/** Makes foreign text safe for a terminal. Used wherever nerve prints text that it did not write itself. */

/**
 * Escapes control characters, including C1, which a terminal obeys, and bidirectional controls, which reorder text.
 * Takes linear time, however many there are.
 */
export function toPrintable(text: string): string {
  let printable = "", from = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isObeyed(code)) continue;
    printable += `${text.slice(from, at)}\\u${code.toString(16).padStart(4, "0")}`;
    from = at + 1;
  }
  return from === 0 ? text : printable + text.slice(from);
}

/** Unicode's Cc and Bidi_Control, and its two line separators. */
function isObeyed(code: number): boolean {
  if (code < 0x7f) return code < 0x20;
  return code < 0xa0 || code === 0x61c || code === 0x200e || code === 0x200f || (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069);
}
