/**
 * The metrics of a daemon in Prometheus' text format, version 0.0.4: `GET /v1/metrics` and `nerve metrics`. Names and
 * units follow Prometheus' conventions: seconds and bytes, `_total` for counters. Counters start at zero with the
 * daemon.
 */
import type { Health, SenseView, WorkflowView } from "./api.ts";
import type { HookView } from "./hook.ts";

export const metricsContentType = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | null];
interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Samples without a value are left out, and so is a family without samples. */
  readonly samples: readonly Sample[];
}

/** The prefix of counters of `Health` that count denied access; the error code follows it. */
export const deniedPrefix = "denied_";

/** The whole text of the metrics. It ends with a line feed, as the format requires. */
export function formatMetrics(
  health: Health,
  senses: readonly SenseView[],
  workflows: readonly WorkflowView[],
  hooks: readonly HookView[] = [],
): string {
  const families = [
    ofDaemon(health),
    ofUnits(health),
    ofSenses(senses),
    ofWorkflows(workflows),
    ofHooks(hooks),
    ofAccess(health),
    ofTraces(health),
  ].flat();
  return families.map(formatFamily).join("");
}

function ofDaemon({ version, startedAt, runs, approvals, alerts, counters, ...state }: Health): Family[] {
  const { configError, lockError, storeError, warnings, stuckPrograms } = state;
  const problems = { config: configError, lock: lockError, store: storeError };
  return [
    gauge("nerve_info", "The version of nerve", [[{ version }, 1]]),
    gauge("nerve_start_time_seconds", "When the daemon started", [[{}, startedAt / 1_000]]),
    gauge(
      "nerve_problem",
      "1 while nerve.yaml (config), nerve.permissions.lock (lock) or the log (store) has a problem",
      Object.entries(problems).map(([of, problem]) => [{ of }, problem === null ? 0 : 1]),
    ),
    gauge("nerve_warnings", "What waits for a person, or is rarely meant", [[{}, warnings.length]]),
    gauge("nerve_stuck_programs", "Programs of senses and roles that cannot be ended", [[{}, stuckPrograms.length]]),
    counter("nerve_lost_writes_total", "Writes to the log that were lost", [[{}, counters["lost"] ?? 0]]),
    counter("nerve_dropped_events_total", "Events that slow readers lost", [[{}, counters["dropped"] ?? 0]]),
    counter("nerve_dropped_runs_total", "Runs that were dropped for lack of a place", [[{}, runs.dropped]]),
    gauge("nerve_approvals_open", "Requests that are not decided yet", [[{}, approvals.open]]),
    gauge("nerve_approvals_oldest_timestamp_seconds", "When the oldest open request was made", [
      [{}, toSeconds(approvals.oldest)],
    ]),
    gauge("nerve_alerts", "States of alerts that are not inactive", [
      [{ state: "firing" }, alerts.firing],
      [{ state: "pending" }, alerts.pending],
    ]),
  ];
}

function ofUnits({ units }: Health): Family[] {
  const each = (value: (unit: Health["units"][number]) => number | null): Sample[] =>
    units.filter(({ state }) => state !== "draining").map((
      unit,
    ) => [{ unit: `${unit.kind}:${unit.name}` }, value(unit)]);
  return [
    gauge("nerve_unit_running", "1 while the unit has a process", each(({ pid }) => pid === null ? 0 : 1)),
    gauge(
      "nerve_unit_quarantined",
      "1 while the unit is quarantined",
      each(({ state }) => state === "quarantined" ? 1 : 0),
    ),
    gauge("nerve_unit_resident_memory_bytes", "Resident memory of its process", each(({ memoryBytes }) => memoryBytes)),
    counter("nerve_unit_deaths_total", "How often its process died", each(({ deaths }) => deaths)),
  ];
}

/** The counters of a sense, by outcome of a compute. */
const outcomes = {
  signal: "signals",
  run: "runs",
  null: "null",
  error: "error",
  timeout: "timeout",
  group_down: "group_down",
} as const satisfies Record<string, keyof SenseView["counters"]>;
const passed = { throttled: "throttled", coalesced: "coalesced" } as const;

function ofSenses(senses: readonly SenseView[]): Family[] {
  const each = (value: (view: SenseView) => number | null): Sample[] =>
    senses.map((view) => [{ sense: view.name }, value(view)]);
  const counted = (label: string, of: Readonly<Record<string, keyof SenseView["counters"]>>): Sample[] =>
    senses.flatMap(({ name, counters }) =>
      Object.entries(of).map(([is, key]): Sample => [{ sense: name, [label]: is }, counters[key]])
    );
  return [
    counter("nerve_sense_computes_total", "Computes that ended, by what became of them", counted("outcome", outcomes)),
    counter(
      "nerve_sense_ticks_passed_total",
      "Ticks without a compute of their own",
      counted("why", passed),
    ),
    gauge(
      "nerve_sense_last_compute_timestamp_seconds",
      "When its last compute began",
      each(({ lastCompute }) => toSeconds(lastCompute?.at ?? null)),
    ),
    gauge(
      "nerve_sense_last_compute_duration_seconds",
      "How long its last compute took",
      each(({ lastCompute }) => toSeconds(lastCompute?.durationMs ?? null)),
    ),
    gauge("nerve_sense_next_due_timestamp_seconds", "When it is due next", each(({ nextDue }) => toSeconds(nextDue))),
    gauge(
      "nerve_sense_problem",
      "1 while it does not compute as nerve.yaml and its code say",
      each(({ problem }) => problem === null ? 0 : 1),
    ),
  ];
}

/** The counters of a hook, by response. */
const answers = {
  accepted: "accepted",
  repeated: "repeated",
  unproven: "unproven",
  invalid: "invalid",
  too_large: "tooLarge",
  limited: "limited",
  backlogged: "backlogged",
  failed: "failed",
} as const satisfies Record<string, keyof HookView["counters"]>;

function ofHooks(hooks: readonly HookView[]): Family[] {
  const counted = hooks.flatMap(({ name, counters }) =>
    Object.entries(answers).map(([answer, key]): Sample => [{ hook: name, answer }, counters[key]])
  );
  return [
    counter("nerve_hook_deliveries_total", "Deliveries, by what they were answered", counted),
    gauge(
      "nerve_hook_waiting",
      "Deliveries that a sense has not heard yet",
      hooks.map(({ name, waiting }): Sample => [{ hook: name }, waiting]),
    ),
  ];
}

function ofAccess({ counters }: Health): Family[] {
  const denied = Object.entries(counters).filter(([name]) => name.startsWith(deniedPrefix));
  const counted = denied.map(([name, count]): Sample => [{ code: name.slice(deniedPrefix.length) }, count]);
  return [counter("nerve_access_denied_total", "Requests that the listener denied, by the code of the error", counted)];
}

/** Empty when no traces are sent. */
function ofTraces({ counters }: Health): Family[] {
  const samples = ["sent", "dropped"].map((state): Sample => [{ state }, counters[`spans_${state}`] ?? null]);
  return [counter("nerve_trace_spans_total", "Spans of traces, by what became of them", samples)];
}

function ofWorkflows(workflows: readonly WorkflowView[]): Family[] {
  const states = ["active", "queued", "waiting", "paused"] as const;
  const runs = workflows.flatMap((view) =>
    states.map((state): Sample => [{ workflow: view.name, state }, view[state]])
  );
  const each = (value: (view: WorkflowView) => number | null): Sample[] =>
    workflows.map((view) => [{ workflow: view.name }, value(view)]);
  return [
    gauge("nerve_workflow_runs", "Runs that have not ended", runs),
    gauge(
      "nerve_workflow_concurrency",
      "How many of its runs may be active at once",
      each(({ concurrency }) => concurrency),
    ),
    gauge(
      "nerve_workflow_next_due_timestamp_seconds",
      "When its schedule starts the next run",
      each(({ nextDue }) => toSeconds(nextDue)),
    ),
    gauge(
      "nerve_workflow_problem",
      "1 while it does not run as nerve.yaml and its code say",
      each(({ problem }) => problem === null ? 0 : 1),
    ),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}

function toSeconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1_000;
}

function formatFamily({ name, type, help, samples }: Family): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === null ? [] : [`${name}${formatLabels(labels)} ${value}\n`]
  );
  return lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
