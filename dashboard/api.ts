/** Calls the control API of the daemon that served this page. Every failure is an `ApiError`, worded for people. */
import { showHidden } from "./format.ts";

/** The parts of a problem document that a reader needs. */
export class ApiError extends Error {
  /** 0: there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;

  constructor(status: number, code: string, message: string, hint: string | null) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** Turns anything thrown into an error of the API. */
export function toApiError(thrown: unknown): ApiError {
  return thrown instanceof ApiError ? thrown : new ApiError(0, "", String(thrown), null);
}

type SessionListener = () => void;
const sessionListeners = new Set<SessionListener>();
let isSignedOut = false;

/** Calls `listener` once when the daemon no longer knows this session. */
export function onSignedOut(listener: SessionListener): () => void {
  sessionListeners.add(listener);
  if (isSignedOut) listener();
  return () => sessionListeners.delete(listener);
}

/** Called when an answer shows that this session does not exist or has ended. */
export function noteSignedOut(): void {
  isSignedOut = true;
  for (const listener of sessionListeners) listener();
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, signal === undefined ? {} : { signal });
}

export function post<T>(path: string, body?: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  return ask<T>(
    path,
    body === undefined ? { method: "POST" } : { method: "POST", headers, body: JSON.stringify(body) },
  );
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, credentials: "same-origin", redirect: "error" });
  } catch (thrown) {
    if (init.signal?.aborted === true) throw thrown;
    throw new ApiError(0, "DAEMON_MISSING", "the daemon does not answer", "nerve status, nerve start");
  }
  if (answer.ok) return JSON.parse(showHidden(await answer.text()));
  if (answer.status === 401) noteSignedOut();
  throw await toError(answer);
}

async function toError(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    const { code = "", detail = "", title = "", hint = null } = JSON.parse(showHidden(text));
    return new ApiError(answer.status, String(code), String(detail || title), hint === null ? null : String(hint));
  } catch {
    return new ApiError(answer.status, "", `the daemon answered ${answer.status}`, null);
  }
}

/** Returns a unique token. `crypto.randomUUID` is missing where a page comes from another machine without TLS. */
export function makeToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Encodes one part of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}

/** Returns `path?a=1&b=2`, without parameters that are null or empty. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | null | undefined>>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}
