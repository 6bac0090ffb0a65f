/** The columns of a sense over time. */
import { useEffect, useState } from "preact/hooks";
import type { SenseColumn, SenseSeries } from "../../src/protocol/dashboard.ts";
import { withQuery } from "../api.ts";
import { formatFigure } from "../format.ts";
import { useResource } from "../hooks.ts";
import { Failure, Section } from "../parts/basic.tsx";
import { Chart } from "../parts/chart.tsx";
import { useTheme } from "../theme.ts";

const hourMs = 3_600_000, dayMs = 24 * hourMs;
const spans = [
  ["1 h", hourMs],
  ["6 h", 6 * hourMs],
  ["24 h", dayMs],
  ["7 d", 7 * 24 * hourMs],
  ["30 d", 30 * 24 * hourMs],
  ["90 d", 90 * 24 * hourMs],
] as const;
const chartsMax = 8, points = 300;

export interface ChartsProps {
  readonly name: string;
  /** The path of the sense in the API. */
  readonly path: string;
  readonly columns: readonly SenseColumn[];
}

export function Charts({ name, path, columns }: ChartsProps) {
  const [chosenMs, setSpanMs] = useState<number | null>(null), spanMs = useFittingSpan(path, columns[0], chosenMs);
  if (columns.length === 0) return null;
  const tabs = (
    <div class="tabs" role="group" aria-label="span of time">
      {spans.map(([text, ms]) => (
        <button
          key={text}
          type="button"
          aria-pressed={spanMs === ms}
          onClick={() => setSpanMs(ms)}
        >
          {text}
        </button>
      ))}
    </div>
  );
  return (
    <Section title="Over time" count={columns.length} aside={tabs}>
      <div class="charts">
        {columns.slice(0, chartsMax).map((each) => (
          <ColumnChart key={`${each.table}.${each.column}`} name={name} path={path} of={each} spanMs={spanMs} />
        ))}
      </div>
    </Section>
  );
}

/** The shortest span that covers the last day's data, until a person chooses another; null until it is known. */
function useFittingSpan(path: string, first: SenseColumn | undefined, chosenMs: number | null): number | null {
  const [fitting, setFitting] = useState<number | null>(null), isDone = first === undefined || fitting !== null;
  const query = isDone ? null : { table: first.table, column: first.column, spanMs: dayMs, points };
  const { data, error } = useResource<SenseSeries>(query === null ? null : withQuery(`${path}/series`, query));
  useEffect(() => {
    if (isDone || data === null && error === null) return;
    const oldest = data?.at[0], ageMs = data === null || oldest === undefined ? dayMs : data.untilMs - oldest;
    setFitting(spans.find(([, ms]) => ms >= ageMs)?.[1] ?? dayMs);
  }, [data, error]);
  return chosenMs ?? fitting;
}

function ColumnChart(
  { name, path, of, spanMs }: {
    readonly name: string;
    readonly path: string;
    readonly of: SenseColumn;
    readonly spanMs: number | null;
  },
) {
  const query = { table: of.table, column: of.column, spanMs, points }, theme = useTheme();
  const series = useResource<SenseSeries>(spanMs === null ? null : withQuery(`${path}/series`, query), {
    // A quarter of a point, but at least ten seconds: a long span with many rows takes seconds to read.
    everyMs: Math.min(600_000, Math.max(10_000, (spanMs ?? 0) / points / 4)),
    wakes: ({ source }) => spanMs !== null && spanMs <= hourMs && source === `sense:${name}`,
  });
  const { data } = series, last = data?.mean.at(-1);
  return (
    <figure>
      <figcaption>
        <b class="mono">{of.column}</b> <span class="dim mono">{of.table}</span>
        <span class="last num">{last === undefined ? "" : formatFigure(last)}</span>
      </figcaption>
      {data === null
        ? <div class="chart">{series.error === null ? null : <Failure error={series.error} />}</div>
        : data.at.length === 0
        ? <div class="chart nothing">no value in this time</div>
        : <Chart series={data} theme={theme} sync={name} />}
      {data?.cut === true ? <p class="dim">The oldest rows were left out: there are too many.</p> : null}
    </figure>
  );
}
