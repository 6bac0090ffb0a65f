/**
 * Adds up what the log says about a span of time: signals, errors, runs, deaths. Used by index.ts.
 * It reads the log in pages and keeps totals only, so that a busy day takes no more memory than a quiet one.
 */
import type { Json, LogRow, SenseLogs } from "nerve";

export interface SenseTotals {
  readonly name: string;
  signals: number;
  /** Runs that it asked for. */
  runs: number;
  /** Computes that failed or took too long. */
  errors: number;
  /** Of the last signal, in milliseconds. */
  lastAt: number | null;
  /** The last signal's payload as JSON, cut. */
  last: string | null;
  lastError: string | null;
}

export interface WorkflowTotals {
  readonly name: string;
  completed: number;
  /** Failed, crashed, killed or interrupted. */
  ended: number;
  dropped: number;
}

export interface Failure {
  readonly workflow: string;
  readonly runId: string;
  readonly how: string;
  readonly reason: string;
}

export interface Totals {
  /** In the order of their names. */
  readonly senses: readonly SenseTotals[];
  readonly workflows: readonly WorkflowTotals[];
  /** The last ones first. */
  readonly failures: readonly Failure[];
  /** Groups and workflows that were quarantined, by name. */
  readonly quarantined: readonly string[];
  readonly deaths: number;
  readonly starts: number;
  /** Senses and workflows that are left out of the lists above. */
  readonly leftOut: number;
}

const pageRows = 1_000;
/** A message's data may hold 256 KiB; with these bounds the totals stay below that. */
const sensesMax = 150, workflowsMax = 50, failuresMax = 20, textMaxChars = 200;

export function collect(logs: SenseLogs, sinceMs: number, untilMs: number): Totals {
  const rows = (type: string) => pages(logs, { type, sinceMs, untilMs });
  const senses = new Map<string, SenseTotals>(), workflows = new Map<string, WorkflowTotals>();
  for (const row of rows("sense.signal")) {
    const sense = senseOf(senses, row);
    sense.signals++;
    sense.lastAt ??= row.ts;
    sense.last ??= cut(JSON.stringify(field(row, "payload") ?? null));
  }
  for (const row of rows("sense.directive")) senseOf(senses, row).runs++;
  for (const type of ["sense.error", "sense.timeout"]) {
    for (const row of rows(type)) {
      const sense = senseOf(senses, row);
      // A row that repeats stands for as many as it says.
      sense.errors += Number(field(row, "repeated") ?? 1);
      sense.lastError ??= cut(String(field(row, "message") ?? type));
    }
  }
  for (const row of rows("run.completed")) workflowOf(workflows, row).completed++;
  for (const row of rows("run.dropped")) workflowOf(workflows, row).dropped++;
  const failures: (Failure & { readonly id: number })[] = [];
  for (const how of ["failed", "crashed", "killed", "interrupted"]) {
    for (const row of rows(`run.${how}`)) {
      // A crash that is followed by another attempt is no end.
      if (how === "crashed" && field(row, "status") !== "crashed") continue;
      const workflow = workflowOf(workflows, row);
      workflow.ended++;
      const reason = cut(String(field(row, "reason") ?? ""));
      failures.push({ id: row.id, workflow: workflow.name, runId: row.refId ?? "", how, reason });
    }
  }
  const quarantined = [...rows("group.quarantined")].map((row) => row.refId ?? row.source);
  return {
    ...bounded(senses, workflows),
    failures: failures.sort((a, b) => b.id - a.id).slice(0, failuresMax).map(({ id: _, ...failure }) => failure),
    quarantined: [...new Set(quarantined)].sort().slice(0, failuresMax),
    deaths: count(rows("group.died")),
    starts: count(rows("kernel.started")),
  };
}

function bounded(
  senses: ReadonlyMap<string, SenseTotals>,
  workflows: ReadonlyMap<string, WorkflowTotals>,
): Pick<Totals, "senses" | "workflows" | "leftOut"> {
  const sorted = <T extends { name: string }>(all: ReadonlyMap<string, T>) =>
    [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    senses: sorted(senses).slice(0, sensesMax),
    workflows: sorted(workflows).slice(0, workflowsMax),
    leftOut: Math.max(0, senses.size - sensesMax) + Math.max(0, workflows.size - workflowsMax),
  };
}

/** Newest first. */
function* pages(logs: SenseLogs, filter: { type: string; sinceMs: number; untilMs: number }): Generator<LogRow> {
  let beforeId: number | undefined;
  for (;;) {
    const page = logs.query({ ...filter, ...beforeId === undefined ? {} : { beforeId }, limit: pageRows });
    yield* page;
    beforeId = page.at(-1)?.id;
    if (page.length < pageRows) return;
  }
}

function senseOf(senses: Map<string, SenseTotals>, { source }: LogRow): SenseTotals {
  const name = source.slice("sense:".length);
  const known = senses.get(name);
  if (known !== undefined) return known;
  const totals = { name, signals: 0, runs: 0, errors: 0, lastAt: null, last: null, lastError: null };
  senses.set(name, totals);
  return totals;
}

function workflowOf(workflows: Map<string, WorkflowTotals>, { source }: LogRow): WorkflowTotals {
  const name = source.slice("workflow:".length);
  const known = workflows.get(name);
  if (known !== undefined) return known;
  const totals = { name, completed: 0, ended: 0, dropped: 0 };
  workflows.set(name, totals);
  return totals;
}

function field({ payload }: LogRow, key: string): Json | undefined {
  const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
  return isObject && Object.hasOwn(payload, key) ? (payload as Record<string, Json>)[key] : undefined;
}

function count(rows: Iterable<unknown>): number {
  let total = 0;
  for (const _ of rows) total++;
  return total;
}

function cut(text: string): string {
  return text.length <= textMaxChars ? text : `${text.slice(0, textMaxChars)}...`;
}
