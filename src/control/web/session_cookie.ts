/** The cookie of a session, and the error page of a link that opens none. Used by listener_app.ts. */
import { sessionMs } from "../../base/access_limits.ts";
import type { NerveError } from "../../base/errors.ts";
import { createProblemResponse } from "../problem_response.ts";
import { webHeaders } from "./files.ts";

/** `isSecure`: there is a proxy with TLS in front of the listener. */
export function setCookie(name: string, value: string, isSecure: boolean): string {
  const rest = `Max-Age=${sessionMs / 1_000}; Path=/; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
  return `${name}=${value}; ${rest}`;
}

export function clearCookie(name: string): string {
  return `${name}=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict`;
}

/** Null: there is no such cookie. */
export function readCookie(header: string, name: string): string | null {
  for (const part of header.split(";")) {
    const [key = "", ...value] = part.split("=");
    if (key.trim() === name) return value.join("=").trim();
  }
  return null;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A browser gets a page. The page contains no text of the request; the error of a full disk names a path. */
export function respondLinkFault(error: NerveError, status: number, accept: string): Response {
  if (!accept.includes("text/html")) return createProblemResponse(status, error, webHeaders);
  const text = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>nerve: no session</title><link rel="stylesheet" href="/app.css"></head>
<body><main><h1>No session was opened</h1>
<p>${
    escapeHtml(error.message)
  }.</p><p>Run <code>nerve dashboard</code> in the workspace for a new link.</p></main></body></html>
`;
  return new Response(text, { status, headers: { ...webHeaders, "content-type": "text/html; charset=utf-8" } });
}
