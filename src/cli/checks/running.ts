/**
 * Checks what the running daemon reports: units that are down, code that does not load, a log that cannot be written.
 */
import { messageOf } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { Health, SenseView, WorkflowView } from "../../protocol/api.ts";
import type { HookList } from "../../protocol/hook.ts";
import { findStoreHint } from "../../store/sqlite/database.ts";
import { askWithinLimit } from "../daemon/ask_daemon.ts";
import { plural, toOneLine } from "../render/terminal.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";

export const runningChecks: readonly Check[] = [checkRunning];

/** Finds nothing when no daemon answers; cli/checks/daemon.ts reports that. */
async function checkRunning(paths: WorkspacePaths, clock: Clock): Promise<Finding[]> {
  const answer = await askWithinLimit({ clock }, paths, (client) => {
    return Promise.all([client.health(), client.senses(), client.workflows(), client.hooks()]);
  }).catch((thrown: unknown) => messageOf(thrown));
  if (answer === null) return [];
  if (typeof answer === "string") return [failed("running", answer, "nerve logs; nerve restart")];
  const [health, senses, workflows, hooks] = answer;
  const findings = [
    ...checkKernel(health),
    ...checkUnits(health),
    ...checkProblems(senses, workflows),
    ...checkHooksOf(hooks),
  ];
  return findings.length > 0 ? findings : [
    passed("running", `${plural(senses.length, "sense")} and ${plural(workflows.length, "workflow")}, none is down`),
  ];
}

function checkKernel({ configError, lockError, storeError, warnings, stuckPrograms }: Health): Finding[] {
  return [
    ...configError === null ? [] : [
      failed(
        "config",
        `nerve.yaml was refused; the previous one stays in force: ${toOneLine(configError, 1_000)}`,
        "nerve validate; once it finds no error: nerve reload",
      ),
    ],
    ...lockError === null ? [] : [failed("approval", lockError, "nerve permissions diff")],
    ...warnings.map((each) => warning("variables", each, "nerve validate shows where it is granted")),
    ...stuckPrograms.map((each) => failed("programs", each, "see what it waits for: a share or disk that is gone")),
    ...storeError === null ? [] : [failed("log", storeError, findStoreHint(storeError) ?? "nerve logs says more")],
  ];
}

function checkUnits({ units }: Health): Finding[] {
  return units.flatMap(({ kind, name, state, reason, senses }) => {
    const unit = `${kind} ${name}`, why = reason === null ? "" : `: ${reason}`;
    if (state === "backoff") return [warning("running", `${unit} died and is being restarted${why}`, "nerve status")];
    if (state !== "quarantined") return [];
    const reset = kind === "workflow" ? `nerve workflow reset ${name}` : `nerve sense reset ${senses[0] ?? name}`;
    return [failed("running", `${unit} is quarantined${why}`, `fix it; then ${reset}`)];
  });
}

function checkHooksOf({ listener, items }: HookList): Finding[] {
  const problem = listener?.problem ?? null;
  return [
    ...problem === null
      ? []
      : [failed("listener", problem, "end what uses the address, or change listen in nerve.yaml")],
    ...items.flatMap(({ name, problem }) =>
      problem === null ? [] : [warning("hooks", `hook ${name}: ${problem}`, "nerve validate shows where")]
    ),
  ];
}

/** Leaves out quarantines, which `checkUnits` reports. */
function checkProblems(senses: readonly SenseView[], workflows: readonly WorkflowView[]): Finding[] {
  const report = (kind: string, name: string, problem: string | null) =>
    problem === null || problem.startsWith("quarantined") ? [] : [failed(
      "running",
      `${kind} ${name}: ${problem}`,
      problem.includes("nerve permissions approve")
        ? "nerve permissions diff shows what it asks for"
        : "fix it; the running daemon loads the change",
    )];
  return [
    ...senses.flatMap(({ name, problem }) => report("sense", name, problem)),
    ...workflows.flatMap(({ name, problem }) => report("workflow", name, problem)),
  ];
}
