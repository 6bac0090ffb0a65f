/** The notice to send, from a run's prompt, and from the payload of an alert or a request. Used by index.ts. */
import type { Json, RunStart } from "nerve";

export interface Notice {
  /** Identifies this notice: the same at every attempt. */
  readonly key: string;
  readonly title: string;
  readonly text: string;
  /** Identifies what began and will end, such as one firing of an alert; null: this notice stands alone. */
  readonly incident: string | null;
  /** `still`: reported again. `info`: nothing is wrong, as far as is known. */
  readonly state: "firing" | "still" | "resolved" | "info";
  readonly severity: string | null;
  readonly start: RunStart;
}

export async function toNotice(start: RunStart, key: string): Promise<Notice> {
  const { prompt, payload, workflow } = start, fields = isObject(payload) ? payload : {};
  const alert = textOf(fields.alert), request = textOf(fields.request);
  const subject = alert === null ? null : [alert, textOf(fields.key) ?? ""].filter((part) => part !== "").join(" ");
  const resolved = fields.state === "resolved", still = prompt.startsWith("still: ");
  const state = resolved ? "resolved" : alert === null ? "info" : still ? "still" : "firing";
  const incident = alert === null
    ? request
    : JSON.stringify([alert, textOf(fields.key) ?? "", Number(fields.since ?? 0)]);
  return {
    key,
    title: toSendable(subject ?? textOf(fields.title) ?? workflow).replaceAll(/\s+/g, " "),
    text: toSendable(prompt === "" ? textOf(fields.summary) ?? textOf(fields.text) ?? JSON.stringify(payload) : prompt),
    incident: incident === null ? null : await shorten(incident),
    state,
    severity: textOf(fields.severity),
    start,
  };
}

/**
 * Removes what no channel takes: a program's argument ends at NUL, services refuse half a character, and a terminal
 * that shows the file obeys ESC.
 */
export function toSendable(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\t\n\r]/gu, "\ufffd");
}

/** Returns 32 characters that every channel accepts as an id. */
async function shorten(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex().slice(0, 32);
}

export function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

/** Cuts to at most `max` UTF-16 units, without half a character. */
export function clipText(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Cuts to at most `max` bytes in UTF-8. */
export function clipBytes(text: string, max: number): string {
  const bytes = new TextEncoder().encode(text), ellipsis = 3;
  if (bytes.length <= max) return text;
  // The streaming decoder omits the character that was cut through.
  return `${new TextDecoder().decode(bytes.subarray(0, max - ellipsis), { stream: true })}…`;
}

export const marks: Readonly<Record<Notice["state"], string>> = {
  firing: "🔴",
  still: "🔴",
  resolved: "✅",
  info: "ℹ️",
};
