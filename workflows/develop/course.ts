/** The course of a run: which role comes next. Pure, from the messages alone; used by index.ts. */
import { END, failRun, type JsonObject, killRun, type RunMessage } from "nerve";
import type { Start } from "./texts.ts";

export function startOf(messages: readonly RunMessage[]): Start & JsonObject {
  const [first] = messages;
  if (first?.role !== "prepare") throw new Error("the run has no worktree");
  return first.meta as unknown as Start & JsonObject;
}

interface PhaseOfRun {
  readonly role: string;
  readonly gate: string | null;
}

function phaseOf(messages: readonly RunMessage[], key: string): PhaseOfRun | undefined {
  const phases = startOf(messages).phases as unknown as (PhaseOfRun & { key: string })[];
  return phases.find((phase) => phase.key === key);
}

export function roleOf(messages: readonly RunMessage[], key: string): { persona: string; agent: string | null } {
  const roles = startOf(messages).roles as Record<string, { persona: string; agent: string | null }>;
  return roles[phaseOf(messages, key)?.role ?? ""] ?? { persona: "", agent: null };
}

/** The end of the run after a decision; null when the work continues. */
function endOf({ role, meta }: RunMessage): ReturnType<typeof failRun> | null {
  const who = `${role}: ${String(meta.decision)}${
    meta.how === "expiry" ? ", nobody decided in time" : typeof meta.by === "string" ? ` by ${meta.by}` : ""
  }`;
  const why = typeof meta.comment === "string" && meta.comment !== "" ? `${who}: ${meta.comment}` : who;
  return meta.decision === "approve" ? null : meta.decision === "abort" ? killRun(why) : failRun(why);
}

function nextAfterWork(messages: readonly RunMessage[], good: boolean, onward: "review" | "summary") {
  if (good) return onward;
  const done = messages.filter(({ role }) => role === "implementation").length;
  return done < Number(startOf(messages).rounds) ? "implementation" : "summary";
}

/** The next role, or how the run ends. */
export function choose(messages: readonly RunMessage[], last: RunMessage) {
  const has = (key: string) => phaseOf(messages, key) !== undefined,
    afterSpecification = has("plan") ? "plan" : "implementation";
  switch (last.role) {
    case "prepare":
      return "specification";
    case "specification":
      return phaseOf(messages, "specification")?.gate == null ? afterSpecification : "spec_approved";
    case "spec_approved":
      return endOf(last) ?? afterSpecification;
    case "plan":
      return "implementation";
    case "implementation":
      return "tests";
    case "tests":
      return nextAfterWork(messages, last.meta.success === true, has("review") ? "review" : "summary");
    case "review":
      return nextAfterWork(messages, Object(last.meta.artifact).verdict === "approve", "summary");
    case "summary":
      return phaseOf(messages, "review")?.gate == null ? END : "merge_approved";
    case "merge_approved":
      return endOf(last) ?? END;
    default:
      return END;
  }
}
