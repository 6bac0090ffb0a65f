/**
 * The files of the dashboard, and the headers that keep a browser from doing with them, or with answers of the API, what
 * nobody meant. Used by listener_app.ts.
 * I1. The page loads nothing from outside, and runs no script and no style but its own files.
 */
import { sha256 } from "../../base/sha256.ts";

/** Of every answer of the API. */
export const apiHeaders: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

/** Of pages, and of what leads to them. */
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
  readonly etag: string;
}

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>nerve</title><link rel="stylesheet" href="/app.css"><script type="module" src="/app.js"></script>
</head>
<body><main id="app">nerve</main></body>
</html>
`;
const script = `const main = document.getElementById("app");
const answer = await fetch("/v1/health");
const body = await answer.json();
main.textContent = answer.ok ? body.workspace + ": " + body.runs.active + " runs" : body.detail;
`;
const style = `body { font: 14px/1.5 system-ui, sans-serif; margin: 2rem; }
`;

const texts: Readonly<Record<string, readonly [type: string, text: string]>> = {
  "/": ["text/html; charset=utf-8", page],
  "/app.js": ["text/javascript; charset=utf-8", script],
  "/app.css": ["text/css; charset=utf-8", style],
};
const files = new Map<string, WebFile>();

/** Null: it is no file of the dashboard. */
export async function findWebFile(path: string): Promise<WebFile | null> {
  const [type, text] = Object.hasOwn(texts, path) ? texts[path] ?? [] : [];
  if (type === undefined || text === undefined) return null;
  let file = files.get(path);
  if (file === undefined) {
    const body = new TextEncoder().encode(text);
    files.set(path, file = { type, body, etag: `"${(await sha256(body)).slice(0, 32)}"` });
  }
  return file;
}
