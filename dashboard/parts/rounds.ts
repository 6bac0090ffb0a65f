/** The rounds of a run, made from its rows alone: what it did when, and what happened. Pure; drawn by timeline.tsx. */
import type { LogRow } from "../../src/protocol/log.ts";
import { fieldsOf, labelOf, textOf, type Tone } from "../row_text.ts";

export type SpanKind = "queued" | "work" | "wait" | "backoff" | "paused";

export interface RoundSpan {
  readonly kind: SpanKind;
  readonly from: number;
  /** Null while it continues. */
  to: number | null;
  readonly what: string;
}

export interface RoundNote {
  readonly at: number;
  readonly tone: Tone;
  readonly text: string;
}

export interface Round {
  round: number;
  role: string;
  spans: RoundSpan[];
  readonly notes: RoundNote[];
}

const kinds: Readonly<Record<SpanKind, string>> = {
  queued: "queued",
  work: "works",
  wait: "waits",
  backoff: "waits for the next attempt",
  paused: "paused",
};

/** `rows`: those of one run, oldest first; of a long run only the newest. */
export function toRounds(rows: readonly LogRow[]): Round[] {
  const builder = new RoundBuilder();
  for (const row of rows) builder.add(row);
  return builder.rounds;
}

class RoundBuilder {
  readonly #ended: Round[] = [];
  #current: Round = { round: 1, role: "", spans: [], notes: [] };

  get rounds(): Round[] {
    return [...this.#ended, this.#current].map(dropSlivers)
      .filter(({ spans, notes }) => spans.length + notes.length > 0);
  }

  add(row: LogRow): void {
    const { ts, type } = row, fields = fieldsOf(row);
    switch (type) {
      case "run.queued":
        return this.#begin("queued", ts);
      case "run.started":
        return this.#begin("work", ts);
      case "run.role_begun":
        this.#current.role = textOf(fields.role);
        return;
      case "run.message":
        return this.#endRound(ts, textOf(fields.role), Number(fields.round) + 1);
      case "run.attempt_failed":
        this.#current.role = textOf(fields.role);
        this.#current.round = Number(fields.round ?? this.#current.round);
        this.#note(ts, "warn", `attempt ${textOf(fields.failures)} failed: ${textOf(fields.message)}`);
        this.#begin("backoff", ts);
        if (typeof fields.retryAt === "number") this.#begin("work", Math.max(ts, fields.retryAt));
        return;
      case "run.waiting":
        this.#current.role = textOf(Object(fields.wait).role);
        return this.#begin("wait", ts, textOf(fields.reason) || kinds.wait);
      case "run.paused":
        this.#note(ts, "wait", textOf(fields.reason) || kinds.paused);
        return this.#begin("paused", ts);
      case "run.resumed":
        return this.#resume(ts, fields);
      default:
        return this.#addOther(row);
    }
  }

  #resume(ts: number, fields: Readonly<Record<string, unknown>>): void {
    const after = textOf(fields.after ?? fields.reason);
    // The row of the failed attempt has already made a note.
    if (!after.startsWith("attempt ")) this.#note(ts, "warn", after || `goes on as attempt ${textOf(fields.attempt)}`);
    this.#begin(fields.status === "waiting" ? "wait" : "work", ts);
  }

  #addOther(row: LogRow): void {
    const { ts, type } = row, fields = fieldsOf(row);
    const why = textOf(fields.reason ?? fields.why ?? fields.error ?? fields.content);
    const text = `${labelOf(row)}${why === "" ? "" : `: ${why}`}`;
    switch (type) {
      case "run.held":
      case "run.stayed":
      case "run.child_refused":
        return this.#note(ts, "warn", text);
      case "run.closed":
        return this.#note(ts, "quiet", text);
      case "run.completed":
      case "run.failed":
      case "run.killed":
      case "run.crashed":
      case "run.interrupted":
      case "run.dropped":
        this.#end(ts);
        return this.#note(ts, type === "run.completed" ? "good" : "bad", text);
    }
  }

  #begin(kind: SpanKind, at: number, what = kinds[kind]): void {
    this.#end(at);
    this.#current.spans.push({ kind, from: at, to: null, what });
  }

  #end(at: number): void {
    const last = this.#current.spans.at(-1);
    if (last !== undefined && last.to === null) last.to = Math.max(last.from, at);
  }

  #endRound(at: number, role: string, next: number): void {
    this.#end(at);
    this.#current.role = role;
    // The first rows of a long run are missing here.
    this.#current.round = next - 1;
    this.#ended.push(this.#current);
    this.#current = { round: next, role: "", spans: [], notes: [] };
    this.#begin("work", at);
  }

  #note(at: number, tone: Tone, text: string): void {
    this.#current.notes.push({ at, tone, text });
  }
}

const sliverMs = 20;

/** Between a message and what follows it, the moderator is asked for a moment: no role works. */
function dropSlivers(round: Round): Round {
  const isShort = ({ from, to }: RoundSpan) => to !== null && to - from <= sliverMs;
  const spans = round.spans.filter((span, at) =>
    !isShort(span) || (round.role !== "" && round.spans.length === 1) || at > 0
  );
  return { ...round, spans };
}
