/**
 * Totals of the log over a span of time: signals, errors, runs, deaths. Used by index.ts.
 * It reads the log in pages and keeps totals only, so that a busy day needs no more memory than a quiet one.
 */
import type { Json, LogRow, SenseLogs } from "nerve";

export interface SenseTotals {
  readonly name: string;
  signals: number;
  /** Runs that the sense started. */
  runs: number;
  /** Computes that failed or timed out. */
  errors: number;
  /** Time of the last signal, in milliseconds. */
  lastAt: number | null;
  /** The last signal's payload as JSON, shortened. */
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
  /** Ordered by name. */
  readonly senses: readonly SenseTotals[];
  readonly workflows: readonly WorkflowTotals[];
  /** Newest first. */
  readonly failures: readonly Failure[];
  /** Groups and workflows that were quarantined, by name. */
  readonly quarantined: readonly string[];
  readonly deaths: number;
  readonly starts: number;
  /** Number of senses and workflows that are not in the lists above. */
  readonly leftOut: number;
}

const pageRows = 1_000;
/** The `meta` of a message may hold 256 KiB; with these bounds the totals stay below that. */
const sensesMax = 150, workflowsMax = 50, failuresMax = 20, textMaxChars = 200;

export function collect(logs: SenseLogs, sinceMs: number, untilMs: number): Totals {
  const rows = (type: string) => readPages(logs, { type, sinceMs, untilMs });
  const senses = new Map<string, SenseTotals>(), workflows = new Map<string, WorkflowTotals>();
  for (const row of rows("sense.signal")) {
    const sense = findSense(senses, row);
    sense.signals++;
    sense.lastAt ??= row.ts;
    sense.last ??= cut(JSON.stringify(readField(row, "payload") ?? null));
  }
  for (const row of rows("sense.directive")) findSense(senses, row).runs++;
  for (const type of ["sense.error", "sense.timeout"]) {
    for (const row of rows(type)) {
      const sense = findSense(senses, row);
      // A row may stand for several repetitions.
      sense.errors += Number(readField(row, "repeated") ?? 1);
      sense.lastError ??= cut(String(readField(row, "message") ?? type));
    }
  }
  for (const row of rows("run.completed")) findWorkflow(workflows, row).completed++;
  for (const row of rows("run.dropped")) findWorkflow(workflows, row).dropped++;
  const failures: (Failure & { readonly id: number })[] = [];
  for (const how of ["failed", "crashed", "killed", "interrupted"]) {
    for (const row of rows(`run.${how}`)) {
      // A crash that is followed by another attempt does not end the run.
      if (how === "crashed" && readField(row, "status") !== "crashed") continue;
      const workflow = findWorkflow(workflows, row);
      workflow.ended++;
      const reason = cut(String(readField(row, "reason") ?? ""));
      failures.push({ id: row.id, workflow: workflow.name, runId: row.refId ?? "", how, reason });
    }
  }
  const quarantined = [...rows("group.quarantined")].map((row) => row.refId ?? row.source);
  return {
    ...limitTotals(senses, workflows),
    failures: failures.sort((a, b) => b.id - a.id).slice(0, failuresMax).map(({ id: _, ...failure }) => failure),
    quarantined: [...new Set(quarantined)].sort().slice(0, failuresMax),
    deaths: countRows(rows("group.died")),
    starts: countRows(rows("kernel.started")),
  };
}

function limitTotals(
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

/** Yields rows newest first. */
function* readPages(logs: SenseLogs, filter: { type: string; sinceMs: number; untilMs: number }): Generator<LogRow> {
  let beforeId: number | undefined;
  for (;;) {
    const page = logs.query({ ...filter, ...beforeId === undefined ? {} : { beforeId }, limit: pageRows });
    yield* page;
    beforeId = page.at(-1)?.id;
    if (page.length < pageRows) return;
  }
}

function findSense(senses: Map<string, SenseTotals>, { source }: LogRow): SenseTotals {
  const name = source.slice("sense:".length);
  const known = senses.get(name);
  if (known !== undefined) return known;
  const totals = { name, signals: 0, runs: 0, errors: 0, lastAt: null, last: null, lastError: null };
  senses.set(name, totals);
  return totals;
}

function findWorkflow(workflows: Map<string, WorkflowTotals>, { source }: LogRow): WorkflowTotals {
  const name = source.slice("workflow:".length);
  const known = workflows.get(name);
  if (known !== undefined) return known;
  const totals = { name, completed: 0, ended: 0, dropped: 0 };
  workflows.set(name, totals);
  return totals;
}

function readField({ payload }: LogRow, key: string): Json | undefined {
  const isObject = typeof payload === "object" && payload !== null && !Array.isArray(payload);
  return isObject && Object.hasOwn(payload, key) ? (payload as Record<string, Json>)[key] : undefined;
}

function countRows(rows: Iterable<unknown>): number {
  let total = 0;
  for (const _ of rows) total++;
  return total;
}

function cut(text: string): string {
  return text.length <= textMaxChars ? text : `${text.slice(0, textMaxChars)}...`;
}
