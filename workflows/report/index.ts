/**
 * Writes a report in Markdown, with an SVG chart for each number that it is asked for.
 * collect -> write.
 * I1. The message of collect holds everything that write needs: after a crash the same files are written again.
 * I2. A report is complete or missing: its folder is written under another name and renamed.
 */
import { defineWorkflow, END, type Json, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { checkTimezone } from "../../lib/timezone.ts";
import { drawChart, formatValue, offsetMs } from "./chart.ts";
import { parseSubject, readSeries, type Series } from "./select.ts";

const chartsMax = 20;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    title: option.text("Report"),
    folder: option.text(),
    charts: option.list({ max: chartsMax }),
    span: option.duration("7d"),
    timezone: option.text("UTC"),
    keep: option.duration("90d"),
  });
  if (!settings.folder.startsWith("/")) throw new TypeError(`config.folder must be absolute, not "${settings.folder}"`);
  checkTimezone(settings.timezone);
  return { ...settings, subjects: settings.charts.map(parseSubject) };
}

interface Collected {
  readonly title: string;
  readonly day: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly timezone: string;
  readonly series: readonly Series[];
  /** Subjects without numbers in that time. */
  readonly missing: readonly string[];
}

type Settings = ReturnType<typeof readSettings>;

function collect({ config, peers }: RoleContext<Settings>) {
  const { title, subjects, span, timezone } = config, untilMs = Date.now(), sinceMs = untilMs - span;
  const found = subjects.map((subject) => ({
    text: subject.text,
    series: readSeries(peers, subject, { sinceMs, untilMs }),
  }));
  const collected: Collected = {
    ...{ title, day: formatLocal(untilMs, timezone).slice(0, 10), sinceMs, untilMs, timezone },
    series: found.flatMap(({ series }) => series === null ? [] : [series]),
    missing: found.filter(({ series }) => series === null).map(({ text }) => text),
  };
  const meta = JSON.parse(JSON.stringify(collected)) as Record<string, Json>;
  return { content: `${collected.series.length} of ${subjects.length} charts have numbers`, meta };
}

async function write({ config: { folder, keep }, messages, log }: RoleContext<Settings>) {
  const collected = readCollected(messages), { day, timezone } = collected;
  const name = `report-${day}`, aside = `${folder}/.${name}.part`, old = `${folder}/.${name}.old`;
  const markdown = toMarkdown(collected);
  for (const each of [aside, old]) await removeIfThere(each);
  await Deno.mkdir(aside, { recursive: true });
  for (const [index, series] of collected.series.entries()) {
    await Deno.writeTextFile(`${aside}/${chartName(index)}`, drawChart(series, collected, timezone));
  }
  await Deno.writeTextFile(`${aside}/report.md`, markdown);
  // A folder cannot be renamed onto one that exists.
  await renameIfThere(`${folder}/${name}`, old);
  await Deno.rename(aside, `${folder}/${name}`);
  await removeIfThere(old);
  const removed = await removeOlder(folder, formatLocal(collected.untilMs - keep, timezone).slice(0, 10));
  if (removed.length > 0) log("info", `removed ${removed.length} old reports`, { removed });
  const files = ["report.md", ...collected.series.map((_, index) => chartName(index))];
  return { content: markdown, meta: { folder: `${folder}/${name}`, files, missing: [...collected.missing], removed } };
}

function readCollected([first]: RoleContext["messages"]): Collected {
  if (first?.role !== "collect") throw new Error("the run has no message of collect");
  return first.meta as unknown as Collected;
}

function chartName(index: number): string {
  return `chart-${index + 1}.svg`;
}

function toMarkdown({ title, day, sinceMs, untilMs, timezone, series, missing }: Collected): string {
  const at = (ms: number) => formatLocal(ms, timezone).slice(0, 16);
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const rows = series.map(({ name, unit, rows, least, mean, most, last }) =>
    line([`\`${name}\``, ...[least, mean, most, last].map((value) => formatValue(value, unit)), rows])
  );
  const parts = [
    `# ${title.replaceAll(/\s+/g, " ")}, ${day}`,
    `From ${at(sinceMs)} to ${at(untilMs)} (${timezone}).`,
    ...rows.length === 0 ? ["There are no numbers in that time."] : [
      [line(["", "least", "mean", "most", "last", "rows"]), line(Array(6).fill("---")), ...rows].join("\n"),
      ...series.map(({ name }, index) => `## ${name}\n\n![${name}](${chartName(index)})`),
    ],
    ...missing.length === 0
      ? []
      : [`Without numbers in that time: ${missing.map((name) => `\`${name}\``).join(", ")}.`],
  ];
  return `${parts.join("\n\n")}\n`;
}

/** `2026-01-02 03:04:05`. Throws a RangeError for a time zone that does not exist. */
function formatLocal(ms: number, timezone: string): string {
  return new Date(ms + offsetMs(ms, timezone)).toISOString().replace("T", " ").slice(0, 19);
}

/** Removes only folders with names that this workflow gives. Returns their names. */
async function removeOlder(folder: string, day: string): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(folder))) {
    const of = /^report-(\d{4}-\d\d-\d\d)$/.exec(name)?.[1];
    if (!isDirectory || of === undefined || of >= day) continue;
    await Deno.remove(`${folder}/${name}`, { recursive: true });
    removed.push(name);
  }
  return removed.sort();
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await Deno.rename(from, to);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

export default defineWorkflow({
  config: readSettings,
  roles: { collect, write },
  moderator: ({ messages }) => messages.length === 0 ? "collect" : messages.at(-1)?.role === "collect" ? "write" : END,
});
