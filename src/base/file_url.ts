/** Converts between paths and file URLs, like node:url, which would cost each process and thread 20 ms at its start. */

/** The path of a file URL. */
export function toFilePath({ pathname }: URL): string {
  return decodeURIComponent(pathname);
}

/** The URL of a normalized absolute path. */
export function toFileUrl(path: string): URL {
  const url = new URL("file:///");
  // Characters that would end the path, separate its parts, be removed, or turn a part into a Windows drive.
  url.pathname = path.replace(/[%?#|\\\t\n\r]/g, encodeURIComponent);
  return url;
}
