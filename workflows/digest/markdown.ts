/** Writes totals as Markdown. Used by index.ts. Texts of senses and errors are code, so they cannot become markup. */
import type { Totals } from "./collect.ts";

export interface Span {
  /** `2026-01-02`, the day on which the span ends. */
  readonly day: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly timezone: string;
}

export function toMarkdown(totals: Totals, span: Span): string {
  const { senses, workflows, deaths, starts, leftOut } = totals;
  const at = (ms: number) => formatTime(ms, span.timezone);
  const signals = senses.filter(({ last }) => last !== null);
  const runs = workflows.reduce((sum, { completed, ended }) => sum + completed + ended, 0);
  const parts = [
    `# Digest of ${span.day}`,
    `From ${at(span.sinceMs)} to ${at(span.untilMs)} (${span.timezone}).`,
    `${sumField(senses, "signals")} signals of ${signals.length} senses, ${runs} finished runs, ` +
    `${sumField(senses, "errors")} failed computes, ${deaths} deaths of processes, ${starts} starts of nerve.`,
    ...formatProblems(totals),
    "## Senses",
    formatTable(
      ["sense", "signals", "runs started", "failed", "last signal"],
      senses.map((sense) => [
        sense.name,
        sense.signals,
        sense.runs,
        sense.errors,
        sense.lastAt === null ? "" : at(sense.lastAt),
      ]),
    ),
    ...signals.length === 0
      ? []
      : ["## Last signals", signals.map(({ name, last }) => `- **${name}** ${formatCode(last ?? "")}`).join("\n")],
    "## Workflows",
    formatTable(
      ["workflow", "completed", "ended otherwise", "dropped"],
      workflows.map((workflow) => [
        workflow.name,
        workflow.completed,
        workflow.ended,
        workflow.dropped,
      ]),
    ),
    ...leftOut === 0 ? [] : [`${leftOut} more senses and workflows are not listed.`],
  ];
  return `${parts.join("\n\n")}\n`;
}

function formatProblems({ senses, failures, quarantined }: Totals): string[] {
  const lines = [
    ...quarantined.map((name) => `- **${name}** was quarantined`),
    ...failures.map(({ workflow, runId, how, reason }) =>
      `- run ${formatCode(runId)} of **${workflow}** ${how}${reason === "" ? "" : `: ${formatCode(reason)}`}`
    ),
    ...senses.filter(({ errors }) => errors > 0)
      .map(({ name, errors, lastError }) =>
        `- **${name}** failed ${errors} times, last: ${formatCode(lastError ?? "")}`
      ),
  ];
  return lines.length === 0 ? [] : ["## Problems", lines.join("\n")];
}

function formatTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return "None.";
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** One line of code: backticks and line breaks in the text are replaced. */
function formatCode(text: string): string {
  const plain = text.replaceAll("`", "'").replaceAll(/\s+/g, " ").trim();
  return `\`${plain === "" ? " " : plain}\``;
}

function sumField<Key extends string>(rows: readonly Record<Key, number>[], key: Key): number {
  return rows.reduce((sum, row) => sum + row[key], 0);
}

/** `2026-01-02 03:04`. Throws a RangeError for a time zone that does not exist. */
export function formatTime(ms: number, timezone: string): string {
  const options = { timeZone: timezone, dateStyle: "short", timeStyle: "short" } as const;
  return new Intl.DateTimeFormat("sv-SE", options).format(ms);
}
