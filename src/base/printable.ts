/** Makes foreign text safe for a terminal. Used wherever nerve prints text that it did not write itself. */

/** Escapes control characters, which a terminal obeys, and bidirectional ones, which reorder text. */
export function toPrintable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this replaces
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
