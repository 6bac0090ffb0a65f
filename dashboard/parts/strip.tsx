/** The last outcomes of a sense, oldest first: one bar each, and the text of the one under the pointer or focus. */
import { useState } from "preact/hooks";
import type { LogRow } from "../../src/protocol/log.ts";
import { formatDateTime } from "../format.ts";
import { describeRow, fieldsOf, labelOf, toneOf } from "../row_text.ts";
import { Mark } from "./basic.tsx";

export const outcomeTypes: ReadonlySet<string> = new Set([
  ...["sense.signal", "sense.directive", "sense.null", "sense.error", "sense.timeout", "sense.group_down"],
  ...["sense.throttled", "sense.coalesced", "sense.load_failed", "sense.directive_invalid"],
]);

export function Strip({ rows }: { readonly rows: readonly LogRow[] }) {
  const [at, setAt] = useState<number | null>(null), shown = rows[at ?? rows.length - 1];
  const move = (event: KeyboardEvent) => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setAt(Math.min(rows.length - 1, Math.max(0, (at ?? rows.length - 1) + step)));
  };
  return (
    <div class="strip">
      <div
        class="bars"
        role="slider"
        tabIndex={0}
        aria-label="outcomes, oldest first"
        aria-valuemin={1}
        aria-valuemax={rows.length}
        aria-valuenow={(at ?? rows.length - 1) + 1}
        aria-valuetext={shown === undefined ? "" : `${labelOf(shown)}: ${describeRow(shown)}`}
        onKeyDown={move}
        onPointerLeave={() => setAt(null)}
      >
        {rows.map((row, index) => (
          <i
            key={row.id}
            class={`${toneOf(row)}${index === at ? " on" : ""}`}
            onPointerEnter={() => setAt(index)}
          />
        ))}
      </div>
      <p class="says">
        {shown === undefined ? null : (
          <>
            <Mark tone={toneOf(shown)} /> <b>{labelOf(shown)}</b> {describeRow(shown)}{" "}
            <a class="dim num" href={`#/log?row=${shown.id}`}>{formatDateTime(shown.ts)}</a>
          </>
        )}
      </p>
    </div>
  );
}

export interface Reason {
  readonly label: string;
  readonly text: string;
  readonly row: LogRow;
  readonly count: number;
}

/** Why there was no signal, the most frequent reason first. A folded row counts for all rows that it stands for. */
export function countReasons(rows: readonly LogRow[]): Reason[] {
  const reasons = new Map<string, Reason>();
  for (const row of rows) {
    if (row.type === "sense.signal" || row.type === "sense.directive") continue;
    const { repeated } = fieldsOf(row), label = labelOf(row);
    const text = describeRow(row).replace(/ ×\d+$/, ""), key = `${label} ${text}`;
    const count = (reasons.get(key)?.count ?? 0) + (typeof repeated === "number" ? repeated : 1);
    reasons.set(key, { label, text, row, count });
  }
  return [...reasons.values()].sort((a, b) => b.count - a.count);
}
