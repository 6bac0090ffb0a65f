/**
 * Fetches a page or feed, up to a maximum size, and only when it has changed. Imported by the senses feed-watch and
 * url-change; containers reads bodies with it.
 * I1. Redirects are followed only to hosts that are granted; another host gets no user name or password.
 * I2. At most `bodyMaxBytes` are read, counted after decompression.
 */

/** The values for conditional requests. */
export interface Version {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface Fetched extends Version {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The header Content-Type; empty without one. */
  readonly contentType: string;
  /** The address after redirects; relative links are relative to it. */
  readonly url: string;
}

export interface FetchOptions {
  /** The header Accept. */
  readonly accept: string;
  readonly signal: AbortSignal;
}

export const bodyMaxBytes: number = 4 * 1024 * 1024;
const redirectsMax = 5, headerMaxChars = 500;

/**
 * Returns null when it has not changed since `known`. Throws an Error with the reason for any status but 200, and
 * NotCapable when its own host is not granted.
 */
export async function fetchIfChanged(
  url: string,
  known: Version,
  { accept, signal }: FetchOptions,
): Promise<Fetched | null> {
  const headers = new Headers({ accept });
  if (known.etag !== null) headers.set("if-none-match", known.etag);
  if (known.lastModified !== null) headers.set("if-modified-since", known.lastModified);
  for (let at = url, redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await fetchOne(at, headers, signal, at !== url);
    const moved = response.status >= 300 && response.status <= 399 ? response.headers.get("location") : null;
    if (response.status === 200) {
      const contentType = response.headers.get("content-type") ?? "";
      return { bytes: await readBody(response), contentType, ...versionOf(response), url: at };
    }
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

/** Throws an Error when the body has more than `maxBytes`. */
export async function readBody(response: Response, maxBytes: number = bodyMaxBytes): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  // Counted after decompression: a small response may contain a large text.
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`);
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Decodes it as text. Throws an Error when its encoding is unknown. */
export function decodeFetched({ bytes, contentType }: Pick<Fetched, "bytes" | "contentType">): string {
  const label = detectEncoding(bytes, contentType);
  try {
    return new TextDecoder(label).decode(bytes);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new Error(`its encoding ${label.slice(0, 40)} is not known`);
    throw thrown;
  }
}

/** Pages declare their encoding within this many bytes, as browsers expect. */
const metaBytes = 1_024;

/**
 * Detects the encoding by byte order mark, else by the Content-Type header, else by what the XML or HTML declares. The
 * bytes of the first `<` show whether it is UTF-16: a declaration that can be read as single bytes is not in UTF-16.
 */
function detectEncoding(bytes: Uint8Array, contentType: string): string {
  const [first, second] = bytes, less = "<".charCodeAt(0);
  if (first === 0xef && second === 0xbb && bytes[2] === 0xbf) return "utf-8";
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === less)) return "utf-16be";
  if ((first === 0xff && second === 0xfe) || (first === less && second === 0)) return "utf-16le";
  const label = findDeclared(bytes, contentType);
  return first === less && /^utf-?16/i.test(label) ? "utf-8" : label;
}

function findDeclared(bytes: Uint8Array, contentType: string): string {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, metaBytes));
  const declared = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head) ??
    (/\bhtml\b/i.test(contentType) ? /<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)/i.exec(head) : null);
  return /charset="?([\w.:-]+)/i.exec(contentType)?.[1] ?? declared?.[1] ?? "utf-8";
}

/** The reason of a failed fetch: its cause is more precise than its message. */
export function reasonOfFetch(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "it took too long";
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.replace(/^error sending request.*?\): /, "").slice(0, 300);
}
