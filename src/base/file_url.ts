/** Between paths and file URLs, as node:url has it, which would cost each process and thread 20 ms of its start. */

/** The path of a file URL. */
export function toFilePath({ pathname }: URL): string {
  return decodeURIComponent(pathname);
}

/** The URL of a normalized absolute path. */
export function toFileUrl(path: string): URL {
  const url = new URL("file:///");
  // What would end the path, separate its parts, be taken out, or make a part a drive of Windows.
  url.pathname = path.replace(/[%?#|\\\t\n\r]/g, encodeURIComponent);
  return url;
}
