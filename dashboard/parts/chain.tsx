/** Draws the chain of causes of a row: the row on top, its cause below it, down to the first cause. */
import { useEffect, useState } from "preact/hooks";
import type { LogPage } from "../../src/protocol/api.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { get, withQuery } from "../api.ts";
import { formatClock, formatDateTime, formatSpan, nameOfSource } from "../format.ts";
import { toHash } from "../route.ts";
import { describeRow, fieldsOf, labelOf, textOf, toneOf } from "../row_text.ts";
import { Mark } from "./basic.tsx";

/** A longer chain continues on request. */
const stepsMax = 30;

/** The row with this id, archived or not; null when there is none. */
export async function findRow(id: number, signal?: AbortSignal): Promise<LogRow | null> {
  const query = { afterId: id - 1, beforeId: id + 1, limit: 1, archived: 1 };
  const { items } = await get<LogPage>(withQuery("/v1/logs", query), signal);
  return items[0] ?? null;
}

interface Traced {
  readonly rows: readonly LogRow[];
  /** `gone`: the next cause is no longer in the log. */
  readonly end: "first" | "gone" | "more" | "asking";
}

async function trace(rows: readonly LogRow[], signal: AbortSignal): Promise<Traced> {
  const found = [...rows], max = rows.length + stepsMax;
  for (let last = found.at(-1); last !== undefined && last.causeId !== null; last = found.at(-1)) {
    if (found.length >= max) return { rows: found, end: "more" };
    const cause = await findRow(last.causeId, signal);
    // A cause is older than its effect. Any other row could form a circle.
    if (cause === null || cause.id >= last.id) return { rows: found, end: "gone" };
    found.push(cause);
  }
  return { rows: found, end: "first" };
}

export function Chain({ row, bare = false }: { readonly row: LogRow; readonly bare?: boolean }) {
  const [traced, setTraced] = useState<Traced>({ rows: [row], end: "asking" });
  const follow = (rows: readonly LogRow[]) => {
    const gone = new AbortController();
    trace(rows, gone.signal).then(setTraced, () => {});
    return () => gone.abort();
  };
  useEffect(() => {
    setTraced({ rows: [row], end: "asking" });
    return follow([row]);
  }, [row.id]);
  const shown = bare ? traced.rows.slice(1) : traced.rows;
  return (
    <ol class="chain">
      {shown.map((each, at) => {
        const effect = traced.rows[at + (bare ? 0 : -1)];
        return (
          <li key={each.id} class={toneOf(each)}>
            <Mark tone={toneOf(each)} />
            <div>
              <RowHead row={each} />
              {effect === undefined ? null : <span class="dim num">{formatSpan(effect.ts - each.ts)} earlier</span>}
              <p>{describeRow(each)}</p>
            </div>
          </li>
        );
      })}
      <li class="end">
        <span class="dim">{describeEnd(traced)}</span>
        {traced.end !== "more"
          ? null
          : <button type="button" class="small" onClick={() => void follow(traced.rows)}>Follow further</button>}
      </li>
    </ol>
  );
}

/** The source and type of a row, as a link to it in the log. */
export function RowHead({ row }: { readonly row: LogRow }) {
  const { source, id } = row;
  return (
    <span class="rowhead">
      <SourceLink source={source} refId={row.refId} type={row.type} /> {labelOf(row)}{" "}
      <a class="dim num" href={`#/log?row=${id}`} title={`row ${id}, ${formatDateTime(row.ts)}`}>
        {formatClock(row.ts)}
      </a>
    </span>
  );
}

/** The source of a row as a link to its own page. */
export function SourceLink({ source, refId, type }: Pick<LogRow, "source" | "refId" | "type">) {
  const name = nameOfSource(source);
  if ((type.startsWith("run.") || type.startsWith("approval.")) && refId !== null) {
    return <a class="mono" href={toHash("runs", refId)}>{name}</a>;
  }
  if (source.startsWith("sense:")) return <a class="mono" href={toHash("senses", name)}>{name}</a>;
  if (source.startsWith("alert:")) return <a class="mono" href={toHash("alerts")}>{name}</a>;
  if (source.startsWith("hook:")) return <a class="mono" href={toHash("hooks")}>{name}</a>;
  return <span class="mono">{source}</span>;
}

function describeEnd({ rows, end }: Traced): string {
  const last = rows.at(-1);
  if (end === "asking") return "looking for the cause";
  if (end === "gone") return `row ${last?.causeId}, which caused that, is no longer in the log`;
  if (end === "more") return `${rows.length - 1} causes so far`;
  const trigger = last === undefined ? "" : textOf(fieldsOf(last).trigger);
  if (trigger === "interval") return "due by its interval";
  if (trigger === "cron" || last?.type === "workflow.due") return "due by its schedule";
  if (last?.type === "sense.triggered" || last?.type.startsWith("run.") === true) return "asked for by hand";
  if (last?.type === "sense.paths_changed") return "watched files changed";
  if (last?.type === "hook.delivery") return "sent by another program";
  return "the first cause";
}
