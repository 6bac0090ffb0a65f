/**
 * Keeps user names and passwords in addresses out of what a sense or role returns. Imported by the senses dns-answers,
 * http-check, feed-watch, ping, url-change and database-query, by the workflows backup-folder, git-build, notify and
 * http-request, and by address.ts.
 */

/** `text` without the user names and passwords in its addresses: `https://ada:secret@host/` becomes `https://host/`. */
export function hideUserinfo(text: string): string {
  // Web addresses also work with fewer slashes, or the wrong ones.
  return text.replaceAll(/([a-z][a-z\d+.-]*:\/\/|\b(?:https?|wss?|ftp):[\\\/]*)[^\s\\\/?#]*@/gi, "$1");
}

/**
 * An address in a form in which `hideUserinfo` finds its user and password, whatever characters they contain. Unchanged
 * where it has none, or is not an address.
 */
export function encodeUserinfo(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null || parsed.username + parsed.password === "" ? url : parsed.href;
}

/** Does the same for a text that is not a valid address: everything up to the last @ may be a password. */
export function hideUserinfoOfInvalid(text: string): string {
  const at = text.lastIndexOf("@"), start = text.indexOf("://");
  return at < 0 ? text : `${start < 0 || start > at ? "" : text.slice(0, start + 3)}${text.slice(at + 1)}`;
}
