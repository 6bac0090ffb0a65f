/**
 * Text that reads back from SQLite as it was written. Node's API gives a text back up to its first NUL (Deno 2.9.6,
 * measured), and half a surrogate pair as another character: an id with one of them would not find its row again.
 */
export function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}
