/** Checks of what the running daemon says of itself: units that are down, code that cannot be loaded, a log that fails. */
import { messageOf } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { Health, SenseView, WorkflowView } from "../../protocol/api.ts";
import { askWithinLimit } from "../daemon/ask_daemon.ts";
import { plural, toOneLine } from "../render/terminal.ts";
import { type Check, failed, type Finding, passed, warning } from "./check.ts";

export const runningChecks: readonly Check[] = [checkRunning];

/** Nothing when no daemon answers: the checks of the daemon tell of that. */
async function checkRunning(paths: WorkspacePaths, clock: Clock): Promise<Finding[]> {
  const answer = await askWithinLimit({ clock }, paths, (client) => {
    return Promise.all([client.health(), client.senses(), client.workflows()]);
  }).catch((thrown: unknown) => messageOf(thrown));
  if (answer === null) return [];
  if (typeof answer === "string") return [failed("running", answer, "nerve logs; nerve restart")];
  const [health, senses, workflows] = answer;
  const findings = [...ofKernel(health), ...ofUnits(health), ...ofParts(senses, workflows)];
  return findings.length > 0 ? findings : [
    passed("running", `${plural(senses.length, "sense")} and ${plural(workflows.length, "workflow")}, none is down`),
  ];
}

function ofKernel({ configError, storeError }: Health): Finding[] {
  return [
    ...configError === null ? [] : [
      failed(
        "config",
        `the daemon refused nerve.yaml, the one before stays in force: ${toOneLine(configError, 1_000)}`,
        "nerve validate; once it finds no error: nerve reload",
      ),
    ],
    ...storeError === null ? [] : [failed("log", `cannot be written: ${storeError}`, "free some space: df -h")],
  ];
}

function ofUnits({ units }: Health): Finding[] {
  return units.flatMap(({ kind, name, state, reason, senses }) => {
    const unit = `${kind} ${name}`, why = reason === null ? "" : `: ${reason}`;
    if (state === "backoff") return [warning("running", `${unit} died and is started again${why}`, "nerve status")];
    if (state !== "quarantined") return [];
    const reset = kind === "workflow" ? `nerve workflow reset ${name}` : `nerve sense reset ${senses[0] ?? name}`;
    return [failed("running", `${unit} is quarantined${why}`, `mend it; then ${reset}`)];
  });
}

/** A quarantine is told once, with its unit. */
function ofParts(senses: readonly SenseView[], workflows: readonly WorkflowView[]): Finding[] {
  const told = (kind: string, name: string, problem: string | null) =>
    problem === null || problem.startsWith("quarantined")
      ? []
      : [failed("running", `${kind} ${name}: ${problem}`, "mend it: a running daemon takes up what changes")];
  return [
    ...senses.flatMap(({ name, problem }) => told("sense", name, problem)),
    ...workflows.flatMap(({ name, problem }) => told("workflow", name, problem)),
  ];
}
