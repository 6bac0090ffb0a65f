/**
 * Collects the last day's signals, errors and runs from the log into a Markdown file.
 * collect -> write.
 * I1. The message of collect holds everything that write needs: after a crash the same file is written again.
 * I2. A file is complete or missing: it is written under another name and renamed.
 */
import { defineWorkflow, END, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { checkTimezone } from "../../lib/timezone.ts";
import { collect as collectTotals, type Totals } from "./collect.ts";
import { formatTime, type Span, toMarkdown } from "./markdown.ts";

function readSettings(config: JsonObject) {
  const read = readConfig(config, {
    folder: option.text(),
    span: option.duration("1d"),
    timezone: option.text("UTC"),
    keep: option.duration("90d"),
  });
  if (!read.folder.startsWith("/")) throw new TypeError(`config.folder must be absolute, not "${read.folder}"`);
  checkTimezone(read.timezone);
  return read;
}

type Settings = ReturnType<typeof readSettings>;

function collect({ config: { span, timezone }, logs }: RoleContext<Settings>) {
  const untilMs = Date.now(), sinceMs = untilMs - span;
  const about: Span = { day: formatTime(untilMs, timezone).slice(0, 10), sinceMs, untilMs, timezone };
  const totals = collectTotals(logs, sinceMs, untilMs);
  const meta = JSON.parse(JSON.stringify({ about, totals }));
  return {
    content: `${totals.senses.length} senses and ${totals.workflows.length} workflows had something to report`,
    meta,
  };
}

async function write({ config: { folder, keep }, messages, log }: RoleContext<Settings>) {
  const { about, totals } = readCollected(messages);
  const file = `${folder}/digest-${about.day}.md`, aside = `${file}.part`;
  const markdown = toMarkdown(totals, about);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(aside, markdown);
  await Deno.rename(aside, file);
  const removed = await removeOlder(folder, formatTime(about.untilMs - keep, about.timezone).slice(0, 10));
  if (removed.length > 0) log("info", `removed ${removed.length} old digests`, { removed });
  return { content: markdown, meta: { file, removed } };
}

function readCollected(messages: RoleContext["messages"]): { about: Span; totals: Totals } {
  const [first] = messages;
  if (first?.role !== "collect") throw new Error("the run has no message of collect");
  return first.meta as unknown as { about: Span; totals: Totals };
}

/** Removes only files with names that this workflow gives. Returns their names. */
async function removeOlder(folder: string, day: string): Promise<string[]> {
  const removed: string[] = [];
  for (const { name, isFile } of await Array.fromAsync(Deno.readDir(folder))) {
    const of = /^digest-(\d{4}-\d\d-\d\d)\.md$/.exec(name)?.[1];
    if (!isFile || of === undefined || of >= day) continue;
    await Deno.remove(`${folder}/${name}`);
    removed.push(name);
  }
  return removed.sort();
}

export default defineWorkflow({
  config: readSettings,
  roles: { collect, write },
  moderator: ({ messages }) => messages.length === 0 ? "collect" : messages.at(-1)?.role === "collect" ? "write" : END,
});
