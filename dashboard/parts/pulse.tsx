/**
 * The line at the top of every page: what passed through the daemon in the last two minutes, with a spike for each
 * second. It is drawn once a second and with each frame that brings rows, on one canvas.
 */
import { useEffect, useRef } from "preact/hooks";
import type { LogPage } from "../../src/protocol/api.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { get, withQuery } from "../api.ts";
import { live } from "../live.ts";
import { toneOf } from "../row_text.ts";

const seconds = 120;

interface Second {
  at: number;
  signals: number;
  bad: number;
  other: number;
}

const history: Second[] = [];

function add(row: LogRow): void {
  const at = Math.floor(row.ts / 1_000);
  const kind = toneOf(row) === "bad" ? "bad" : row.type === "sense.signal" ? "signals" : "other";
  let second = history.at(-1);
  if (second === undefined || second.at < at) history.push(second = { at, signals: 0, bad: 0, other: 0 });
  second[kind]++;
  while (history.length > seconds) history.shift();
}

/** Loads what came before the page opened. */
async function seed(): Promise<void> {
  if (history.length > 0) return;
  const { items } = await get<LogPage>(withQuery("/v1/logs", { sinceMs: Date.now() - seconds * 1_000, limit: 1_000 }));
  const come = history.splice(0), first = come[0]?.at ?? Infinity;
  for (const row of items.toReversed()) if (Math.floor(row.ts / 1_000) < first) add(row);
  history.push(...come);
}

function draw(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext("2d"), { clientWidth: width, clientHeight: height } = canvas;
  if (context === null || width === 0) return;
  const ratio = devicePixelRatio;
  if (canvas.width !== Math.round(width * ratio)) [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const style = getComputedStyle(canvas), color = (name: string) => style.getPropertyValue(name).trim();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const base = height - 4, now = Math.floor(Date.now() / 1_000), step = width / seconds;
  context.fillStyle = color("--line");
  context.fillRect(0, base, width, 1);
  for (const { at, signals, bad, other } of history) {
    const x = width - (now - at + 1) * step, count = signals + bad + other;
    if (x < -step || count === 0) continue;
    // A line of 200 is not twenty times as high as one of 10.
    const high = Math.min(height - 6, 4 + Math.log2(count + 1) * 4.5);
    context.fillStyle = bad > 0 ? color("--bad") : signals > 0 ? color("--accent") : color("--faint");
    context.fillRect(Math.round(x), base - high, Math.max(1.5, Math.min(3, step - 1)), high);
  }
}

export function Pulse() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const show = () => canvas.current !== null && !document.hidden && draw(canvas.current);
    const off = live.onRows((rows) => {
      for (const row of rows) add(row);
      show();
    });
    const timer = setInterval(show, 1_000);
    addEventListener("resize", show);
    show();
    seed().then(show, () => {});
    return () => {
      off();
      clearInterval(timer);
      removeEventListener("resize", show);
    };
  }, []);
  return <canvas ref={canvas} class="pulse" role="img" aria-label="rows of the last two minutes" />;
}
