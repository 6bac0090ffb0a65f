/** Text of users on a terminal. Used wherever nerve prints what it did not write itself. */

/** A terminal obeys control characters, and turns text around at the bidirectional ones: show them instead. */
export function toPrintable(text: string): string {
  // deno-lint-ignore no-control-regex -- control characters are what this replaces
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
