/**
 * Text that SQLite returns as it was written. Node's API returns a text only up to its first NUL (Deno 2.9.6,
 * measured), and half a surrogate pair as another character: an id with either would not match its row.
 */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
