/** Finds what needs a person in what the daemon reports about itself. Pure; shown by overview.tsx. */
import type { Health, SenseView } from "../../src/protocol/api.ts";
import type { AlertView } from "../../src/protocol/alert.ts";
import type { ApprovalPage } from "../../src/protocol/approval.ts";
import { segment } from "../api.ts";
import { preview } from "../format.ts";
import { toHash } from "../route.ts";
import type { Tone } from "../row_text.ts";

export interface Problem {
  readonly id: string;
  readonly tone: Tone;
  readonly kind: string;
  readonly what: string;
  readonly href?: string;
  readonly detail: string;
  readonly since?: number | null;
  /** The address to POST to when a person clicks to fix it. */
  readonly lift?: string;
}

const detailMax = 400;

export interface Known {
  readonly health: Health;
  readonly senses: readonly SenseView[];
  readonly approvals: ApprovalPage;
  readonly alerts: readonly AlertView[];
}

/** Returns the problems, the most urgent first. */
export function findProblems({ health, senses, approvals, alerts }: Known): Problem[] {
  return [
    ...approvals.items.map((each): Problem => ({
      id: `approval ${each.id}`,
      tone: "wait",
      kind: each.kind === "recovery" ? "unknown end" : "decision",
      what: each.title,
      href: toHash("approvals", each.id),
      detail: `${each.workflow} · ${each.options.join(" / ")}`,
      since: each.created,
    })),
    ...alerts.flatMap(findFiring),
    ...findGeneral(health),
    ...senses.flatMap(findSenseProblem),
    ...findUnitProblems(health, senses),
    ...[...health.stuckPrograms, ...health.warnings].map((detail): Problem => {
      return { id: detail, tone: "warn", kind: "warning", what: "", detail };
    }),
  ];
}

function findFiring({ name, severity, states }: AlertView): Problem[] {
  return states.filter(({ status }) => status === "firing").map(({ key, ack, summary, since }) => ({
    id: `alert ${name} ${key}`,
    tone: ack === null ? "bad" : "warn",
    kind: ack === null ? severity : "acknowledged",
    what: key === "" ? name : `${name} ${key}`,
    href: toHash("alerts"),
    detail: summary ?? "",
    since,
  }));
}

function findGeneral(health: Health): Problem[] {
  const found = [
    ["configuration", health.configError],
    ["permissions", health.lockError],
    ["store", health.storeError],
    ["listener", health.listener?.problem ?? null],
  ] as const;
  return found.flatMap(([what, detail]): Problem[] =>
    detail === null ? [] : [{ id: what, tone: "bad", kind: "broken", what, detail: preview(detail, detailMax) }]
  );
}

function findSenseProblem({ name, state, problem, counters, lastCompute }: SenseView): Problem[] {
  const about = { id: `sense ${name}`, what: name, href: toHash("senses", name) };
  if (problem !== null) {
    const isDown = state === "quarantined", tone = isDown ? "bad" : "warn";
    const kind = isDown ? "quarantined" : state === "held" ? "held" : "load error";
    const lift = isDown ? { lift: `/v1/senses/${segment(name)}/reset` } : {};
    return [{ ...about, tone, kind, detail: preview(problem, detailMax), ...lift }];
  }
  if (!hasNeverWorked(counters)) return [];
  const detail = preview(lastCompute?.detail ?? "every compute failed", detailMax);
  return [{ ...about, tone: "warn", kind: "failing", detail, since: lastCompute?.at ?? null }];
}

/** A sense that fails now and then reports it itself; one that has always failed needs a person. */
function hasNeverWorked({ computes, error, timeout, group_down }: SenseView["counters"]): boolean {
  const failed = error + timeout + group_down;
  return failed > 0 && failed === computes;
}

/** Problems of workflows, and of groups whose senses do not report them. */
function findUnitProblems({ units }: Health, senses: readonly SenseView[]): Problem[] {
  const told = new Set(senses.filter(({ problem }) => problem !== null).map(({ group }) => `group:${group}`));
  return units.flatMap(({ kind, name, state, problem, reason }): Problem[] => {
    const isDown = state === "quarantined";
    if (told.has(`${kind}:${name}`) || (!isDown && problem === null)) return [];
    const lift = isDown && kind === "workflow" ? { lift: `/v1/workflows/${segment(name)}/reset` } : {};
    const detail = preview(reason ?? problem ?? "", detailMax);
    return [{
      id: `${kind} ${name}`,
      tone: "bad",
      kind: isDown ? "quarantined" : "load error",
      what: name,
      detail,
      ...lift,
    }];
  });
}
