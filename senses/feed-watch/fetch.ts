/** Fetches one feed, bounded in size and time, and only when it has changed. Used by index.ts. */

/** What conditional requests are made with. */
export interface Version {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Fetched extends Version {
  readonly text: string;
  /** After redirects; relative links are relative to it. */
  readonly url: string;
}

const bodyMaxBytes = 4 * 1024 * 1024, redirectsMax = 5, headerMaxChars = 500;

/** Null when the feed has not changed since `known`. Throws NotCapable when its own host is not granted. */
export async function fetchFeed(url: string, known: Version, signal: AbortSignal): Promise<Fetched | null> {
  const headers = new Headers({
    accept: "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.1",
  });
  if (known.etag !== null) headers.set("if-none-match", known.etag);
  if (known.lastModified !== null) headers.set("if-modified-since", known.lastModified);
  for (let at = url, redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await fetchOne(at, headers, signal, at !== url);
    const moved = response.status >= 300 && response.status <= 399 ? response.headers.get("location") : null;
    if (response.status === 200) return { ...await readBody(response), ...versionOf(response), url: at };
    await response.body?.cancel();
    if (response.status === 304) return null;
    const next = moved === null ? null : URL.parse(moved, at);
    if (next === null || !["http:", "https:"].includes(next.protocol)) throw new Error(`status ${response.status}`);
    at = next.href;
  }
  throw new Error(`more than ${redirectsMax} redirects`);
}

async function fetchOne(url: string, headers: Headers, signal: AbortSignal, isMoved: boolean): Promise<Response> {
  try {
    return await fetch(url, { headers, redirect: "manual", signal });
  } catch (thrown) {
    if (isMoved && thrown instanceof Deno.errors.NotCapable) {
      throw new Error(`it has moved to ${url.slice(0, 200)}, which permissions.net does not name`);
    }
    throw thrown;
  }
}

function versionOf({ headers }: Response): Version {
  const short = (text: string | null) => text === null || text.length > headerMaxChars ? null : text;
  return { etag: short(headers.get("etag")), lastModified: short(headers.get("last-modified")) };
}

async function readBody(response: Response): Promise<{ text: string }> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  // Counted after decompression: a small response may contain a large text.
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > bodyMaxBytes) throw new Error(`it is larger than ${bodyMaxBytes} bytes`);
    parts.push(part);
  }
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  const label = detectEncoding(bytes, response.headers.get("content-type") ?? "");
  try {
    return { text: new TextDecoder(label).decode(bytes) };
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new Error(`its encoding ${label.slice(0, 40)} is not known`);
    throw thrown;
  }
}

/** By byte order mark, else by the Content-Type header, else by the XML declaration. */
function detectEncoding(bytes: Uint8Array, contentType: string): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  const declared = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(
    new TextDecoder("latin1").decode(bytes.subarray(0, 200)),
  );
  return /charset="?([\w.:-]+)/i.exec(contentType)?.[1] ?? declared?.[1] ?? "utf-8";
}
