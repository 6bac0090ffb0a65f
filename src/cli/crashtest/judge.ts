/** Plans the strikes of a crash test, and judges the runs that were struck. Pure; used by crashtest.ts. */
import type { CrashTrial } from "../render/crashtest_schemas.ts";
import type { Outcome, Strike } from "./trial.ts";
import { boundaries, type Note } from "./wrapper.ts";

/** Every boundary of a run like this one, with each victim; strikes that leave the daemon alone come first. */
export function planStrikes({ messages, waits }: Outcome): Strike[] {
  const strikes = messages.flatMap(({ round }): Strike[] => {
    const waited = waits.has(round), at = waited ? (["sent"] as const) : boundaries;
    const both = at.flatMap((boundary) => [
      { round, boundary, victim: "process" } as const,
      { round, boundary, victim: "daemon" } as const,
    ]);
    return waited ? [{ round, boundary: "wait", victim: "daemon" }, ...both] : both;
  });
  return [
    ...strikes.filter(({ victim }) => victim === "process"),
    ...strikes.filter(({ victim }) => victim === "daemon"),
  ];
}

/** Picks at most `most` strikes at random, and keeps their order. */
export function pickStrikes(strikes: readonly Strike[], most: number, random: () => number): Strike[] {
  const marked = strikes.map((strike, place) => ({ strike, place, by: random() }));
  return marked.sort((a, b) => a.by - b.by).slice(0, most).sort((a, b) => a.place - b.place).map(({ strike }) =>
    strike
  );
}

export function judge(strike: Strike, outcome: Outcome, undisturbed: Outcome): CrashTrial {
  const { run, asked, struck } = outcome, role = undisturbed.messages[strike.round - 1]?.role ?? "";
  return {
    ...strike,
    role,
    attempts: run.attempt,
    ranTwice: [...countCalls(outcome.notes)].filter(([, { calls }]) => calls > 1).map(([, { role }]) => role),
    asked,
    status: run.status,
    struck,
    problem: findProblem(outcome, undisturbed),
  };
}

/** What is wrong with a run that was struck, or with the undisturbed one itself; null when nothing is. */
export function findProblem(outcome: Outcome, undisturbed: Outcome): string | null {
  const { run, messages, notes, retries, stuck } = outcome, before = undisturbed.run;
  for (const [round, { role, effect, calls }] of countCalls(notes)) {
    const allowed = 1 + (retries.get(round) ?? 0);
    if (effect === "once" && calls > allowed) {
      return `role ${role}, which runs once, ran ${calls} times in round ${round}`;
    }
  }
  const isOver = run.endedAt !== null || run.status === before.status;
  const why = stuck ?? run.reason;
  if (!isOver || stuck !== null) return `the run is lost: it is still ${run.status}${why === null ? "" : `: ${why}`}`;
  if (run.status !== before.status) {
    return `it ended as ${run.status}${run.reason === null ? "" : ` (${run.reason})`}, undisturbed as ${before.status}`;
  }
  if (run.exitCode !== before.exitCode) {
    return `it ended with exit code ${run.exitCode}, undisturbed with ${before.exitCode}`;
  }
  const rolesOf = ({ messages }: Outcome) => messages.map(({ role }) => role).join(", ");
  if (rolesOf(outcome) === rolesOf(undisturbed)) return null;
  const missing = messages.length < undisturbed.messages.length ? "a message is missing: " : "";
  return `${missing}its messages are of ${rolesOf(outcome) || "nobody"}, undisturbed of ${rolesOf(undisturbed)}`;
}

interface Calls {
  readonly role: string;
  readonly effect: Note["effect"];
  readonly calls: number;
}

/** The calls by round. */
function countCalls(notes: readonly Note[]): Map<number, Calls> {
  const found = new Map<number, Calls>();
  for (const { what, round, role, effect } of notes) {
    if (what === "call") found.set(round, { role, effect, calls: (found.get(round)?.calls ?? 0) + 1 });
  }
  return found;
}
