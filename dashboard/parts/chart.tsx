/** A column of a sense's database over time: the mean of each span as a line, the minimum and maximum as a band. */
import uPlot from "uplot";
import { useEffect, useRef } from "preact/hooks";
import type { SenseSeries } from "../../src/protocol/dashboard.ts";
import { formatDateTime, formatFigure } from "../format.ts";

const height = 148;

export interface ChartProps {
  readonly series: SenseSeries;
  /** Changes with the theme: the colours are read from the page. */
  readonly theme: string;
  /** Charts of one page share the position of the pointer. */
  readonly sync: string;
}

export function Chart({ series, theme, sync }: ChartProps) {
  const place = useRef<HTMLDivElement>(null), plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const made = plot.current = new uPlot(toOptions(box, sync), toData(series), box);
    const observer = new ResizeObserver(() => made.setSize({ width: box.clientWidth, height }));
    observer.observe(box);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme, series.table, series.column]);
  useEffect(() => {
    plot.current?.batch(() => {
      plot.current?.setData(toData(series), false);
      plot.current?.setScale("x", { min: series.fromMs / 1_000, max: series.untilMs / 1_000 });
    });
  }, [series]);
  const last = series.mean.at(-1);
  const label = `${series.column} over time${last === undefined ? "" : `, last ${formatFigure(last)}`}`;
  return <div ref={place} class="chart" role="img" aria-label={label} />;
}

/** Leaves a gap between values that are more than three usual steps, and three spans of a mean, apart. */
function toData({ at, least, mean, most, widthMs }: SenseSeries): uPlot.AlignedData {
  const columns: [number[], (number | null)[], (number | null)[], (number | null)[]] = [[], [], [], []];
  const usual = medianStep(at);
  for (const [index, time] of at.entries()) {
    const before = at[index - 1];
    if (before !== undefined && time - before > Math.max(3 * usual, 3 * widthMs)) {
      columns[0].push((before + time) / 2_000);
      for (const column of [columns[1], columns[2], columns[3]]) column.push(null);
    }
    columns[0].push(time / 1_000);
    columns[1].push(mean[index] ?? null);
    columns[2].push(least[index] ?? null);
    columns[3].push(most[index] ?? null);
  }
  return columns;
}

function medianStep(at: readonly number[]): number {
  const steps = at.slice(1).map((time, index) => time - (at[index] ?? time)).sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)] ?? 0;
}

/** A value without neighbours makes no line: it is a dot. */
const alone: uPlot.Series.Points = {
  show: true,
  size: 5,
  width: 0,
  filter: ({ data }, at) => {
    const values = data[at] ?? [];
    return [...values.keys()].filter((place) =>
      values[place] != null && values[place - 1] == null && values[place + 1] == null
    );
  },
};

function toOptions(box: HTMLElement, sync: string): uPlot.Options {
  const style = getComputedStyle(box), color = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--dim"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
  };
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  return {
    width: box.clientWidth,
    height,
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: sync, setSeries: false }, drag: { x: false, y: false }, points: { size: 6 } },
    legend: { show: true, live: true },
    scales: { x: { time: true }, y: { range: findRange } },
    axes: [{ ...axis, size: 24, space: 64, values: formatTimes }, {
      ...axis,
      size: 54,
      space: 28,
      values: (_plot, values) => values.map((value) => formatFigure(value)),
    }],
    series: [
      { value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
      {
        label: "mean",
        stroke: color("--accent"),
        width: 1.5,
        points: { ...alone, fill: color("--accent") },
        value: formatLegend,
      },
      { label: "least", ...edge, value: formatLegend },
      { label: "most", ...edge, value: formatLegend },
    ],
    bands: [{ series: [3, 2], fill: color("--band") }],
  };
}

/** Shows hours and minutes, or days where ticks are at least a day apart. */
function formatTimes(_plot: uPlot, splits: number[], _axis: number, _space: number, incr: number): string[] {
  return splits.map((seconds) => {
    const text = formatDateTime(seconds * 1_000);
    return incr >= 86_400 ? text.slice(5, 10) : incr >= 60 ? text.slice(11, 16) : text.slice(11);
  });
}

function formatLegend(_plot: uPlot, value: number | null): string {
  return value === null ? "–" : formatFigure(value);
}

/** Centres a constant. */
function findRange(_plot: uPlot, least: number | null, most: number | null): [number, number] {
  if (least === null || most === null) return [0, 1];
  const margin = least === most ? Math.max(1, Math.abs(least) / 10) : (most - least) * .08;
  return [least >= 0 ? Math.max(0, least - margin) : least - margin, most + margin];
}
