/**
 * Keeps passwords in addresses out of what a sense or role tells. Imported by the senses http-check,
 * feed-watch, url-change and database-query, and by the workflows notify and http-request.
 */

/** `text` without the user and password of the addresses in it: `https://ada:secret@host/` becomes `https://host/`. */
export function hideUserinfo(text: string): string {
  return text.replaceAll(/([a-z][a-z\d+.-]*:\/\/)[^\s\/?#]*@/gi, "$1");
}

/** The same for a text that is no valid address: everything up to the last @ may be a password. */
export function hideUserinfoOfInvalid(text: string): string {
  const at = text.lastIndexOf("@"), start = text.indexOf("://");
  return at < 0 ? text : `${start < 0 || start > at ? "" : text.slice(0, start + 3)}${text.slice(at + 1)}`;
}
