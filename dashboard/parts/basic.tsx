/** The smallest parts: marks, chips, times, facts, empty states. */
import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import type { ApiError } from "../api.ts";
import { formatAge, formatDateTime, formatSpan } from "../format.ts";
import { useNow } from "../hooks.ts";
import type { Tone } from "../row_text.ts";

const shapes: Readonly<Record<Tone, VNode>> = {
  signal: <path d="M0 6.5h2.5L4 1.5l2 7 1.2-2H10" fill="none" stroke="currentColor" stroke-width="1.4" />,
  good: <circle cx="5" cy="5" r="3.6" fill="currentColor" />,
  bad: <path d="M5 .6 9.4 5 5 9.4.6 5Z" fill="currentColor" />,
  warn: <path d="M5 1 9.4 9H.6Z" fill="currentColor" />,
  wait: (
    <>
      <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" stroke-width="1.2" />
      <path d="M5 1.6a3.4 3.4 0 0 0 0 6.8Z" fill="currentColor" />
    </>
  ),
  quiet: <circle cx="5" cy="5" r="2.8" fill="none" stroke="currentColor" stroke-width="1.3" />,
};

/** A shape for every colour, so that no one has to distinguish colours. */
export function Mark({ tone }: { readonly tone: Tone }) {
  return <svg class={`mark ${tone}`} viewBox="0 0 10 10" aria-hidden="true">{shapes[tone]}</svg>;
}

const statusTones: Readonly<Record<string, Tone>> = {
  ...{ started: "signal", queued: "wait", waiting: "wait", paused: "wait", completed: "good", failed: "bad" },
  ...{ killed: "bad", crashed: "bad", interrupted: "warn", dropped: "warn" },
  ...{ idle: "quiet", running: "signal", computing: "signal", ready: "good", starting: "wait", draining: "wait" },
  ...{ backoff: "warn", quarantined: "bad", stopped: "quiet", held: "warn", throttled: "wait" },
  ...{ firing: "bad", pending: "warn", inactive: "quiet" },
  ...{ approved: "good", rejected: "bad", aborted: "bad", decided: "good", expired: "warn" },
  ...{ null: "quiet", signal: "signal", run: "signal", error: "bad", timeout: "bad", group_down: "bad" },
};

export function toneOfStatus(status: string): Tone {
  return statusTones[status] ?? "quiet";
}

export function Chip(
  { status, tone = toneOfStatus(status) }: { readonly status: string; readonly tone?: Tone | undefined },
) {
  return (
    <span class={`chip ${tone}`}>
      <Mark tone={tone} />
      {status}
    </span>
  );
}

interface WhenProps {
  readonly at: number | null;
  readonly bare?: boolean;
  /** Whether the time is one to come: once it has passed, it shows as due now. */
  readonly isDue?: boolean;
}

/** `4 s ago` or `in 12 min`, with the whole time as its title. */
export function When({ at, bare = false, isDue = false }: WhenProps) {
  const now = useNow();
  if (at === null) return <span class="dim">–</span>;
  const ms = isDue ? Math.min(0, now - at) : now - at, text = formatAge(Math.abs(ms));
  const shown = bare || text === "now" ? text : ms >= 0 ? `${text} ago` : `in ${text}`;
  return <time class="num" dateTime={new Date(at).toISOString()} title={formatDateTime(at)}>{shown}</time>;
}

/** How long it took, or has taken so far. */
export function Took({ from, to }: { readonly from: number | null; readonly to: number | null }) {
  return from === null
    ? <span class="dim">–</span>
    : to === null
    ? <RunningSpan from={from} />
    : <span class="num">{formatSpan(to - from)}</span>;
}

function RunningSpan({ from }: { readonly from: number }) {
  return <span class="num">{formatSpan(Math.floor((useNow() - from) / 1_000) * 1_000)}</span>;
}

export interface FactProps {
  readonly name: string;
  readonly children: ComponentChildren;
}

export function Fact({ name, children }: FactProps) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

export function Section(
  { title, count, aside, children }: {
    readonly title: string;
    readonly count?: number | string | undefined;
    readonly aside?: ComponentChildren;
    readonly children: ComponentChildren;
  },
) {
  return (
    <section class="section">
      <header>
        <h2>{title}{count === undefined ? null : <span class="count num">{count}</span>}</h2>
        {aside === undefined ? null : <div class="aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** What went wrong, and what to do. */
export function Failure({ error }: { readonly error: ApiError }) {
  return (
    <p class="failure" role="alert">
      <Mark tone="bad" />
      <span>{error.message}{error.hint === null ? null : <span class="dim">{error.hint}</span>}</span>
    </p>
  );
}

/** Shown until there is an answer: lines as high as the rows to come. */
export function Waiting({ rows = 4, error = null }: { readonly rows?: number; readonly error?: ApiError | null }) {
  if (error !== null) return <Failure error={error} />;
  return (
    <div class="waiting" aria-busy="true">
      <span class="unseen">loading</span>
      {Array.from({ length: rows }, (_, at) => <div key={at} />)}
    </div>
  );
}

/** Shorter values stay on one line. */
const lineMax = 72;

/** A value as indented JSON, folded when it is long. */
export function Value({ value, open = false }: { readonly value: unknown; readonly open?: boolean }) {
  const line = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const text = line.length <= lineMax || typeof value === "string" ? line : JSON.stringify(value, null, 2);
  if (text === "{}" || text === "null" || text === "") return <span class="dim">none</span>;
  const lines = text.split("\n").length;
  if (lines <= 6 && text.length < 400) return <pre class="value">{text}</pre>;
  return (
    <details class="folded" open={open}>
      <summary>{lines} lines</summary>
      <pre class="value" tabIndex={0}>{text}</pre>
    </details>
  );
}

/** A command to run elsewhere, with a button that copies it. */
export function Command({ text }: { readonly text: string }) {
  const [isCopied, setIsCopied] = useState(false);
  // Browsers offer it only to pages from this machine or over TLS.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  const copy = () => void clipboard?.writeText(text).then(() => setIsCopied(true), () => setIsCopied(false));
  return (
    <div class="command">
      <code>{text}</code>
      {clipboard === undefined
        ? null
        : <button type="button" class="small" onClick={copy}>{isCopied ? "Copied" : "Copy"}</button>}
    </div>
  );
}
