/**
 * The files of the dashboard, and the headers that keep a browser from misusing them, or answers of the API. Used by
 * listener_app.ts.
 * I1. The page loads nothing from outside, and runs only scripts and styles that are its own files.
 */
import { resolveOwnFile } from "../../base/self_exec.ts";
import { sha256 } from "../../base/sha256.ts";

/** The headers of every answer of the API. */
export const apiHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

/** The headers of pages, and of answers that lead to them. */
export const webHeaders: Readonly<Record<string, string>> = {
  ...apiHeaders,
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
};

export interface WebFile {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body, compressed with gzip. */
  readonly packed: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

/** The files that `deno task dashboard` writes. */
const names: Readonly<Record<string, readonly [type: string, name: string]>> = {
  "/": ["text/html; charset=utf-8", "index.html"],
  "/first.js": ["text/javascript; charset=utf-8", "first.js"],
  "/app.js": ["text/javascript; charset=utf-8", "app.js"],
  "/app.css": ["text/css; charset=utf-8", "app.css"],
};
const files = new Map<string, Promise<WebFile>>();

/** Null: not a file of the dashboard. A file is read on first request: most daemons have no listener. */
export function findWebFile(path: string): Promise<WebFile> | null {
  const [type, name] = Object.hasOwn(names, path) ? names[path] ?? [] : [];
  if (type === undefined || name === undefined) return null;
  let file = files.get(path);
  if (file === undefined) {
    files.set(path, file = readWebFile(type, name));
    // A failed read is tried again at the next request.
    file.catch(() => files.delete(path));
  }
  return file;
}

async function readWebFile(type: string, name: string): Promise<WebFile> {
  const body = await Deno.readFile(resolveOwnFile(`control/dashboard/${name}`));
  const packing = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  const packed = new Uint8Array(await new Response(packing).arrayBuffer());
  return { type, body, packed, etag: `"${(await sha256(body)).slice(0, 32)}"` };
}
