/** The request about a role whose end is unknown, and its decision, in words. Pure; used by once_roles.ts. */
import { gateTitleMaxChars } from "../../base/wait_limits.ts";
import type { Approval, ApprovalDecision } from "../../protocol/approval.ts";
import type { RoleBegun, Run } from "../../protocol/run.ts";
import type { AskedRecovery } from "./gates.ts";
import { toReason } from "./run_writer.ts";

/** `why`: what happened to the role; `failed`: its process reported that it threw or timed out. */
export function createRecovery(
  { runId }: Run,
  { role, round, attempt, at }: RoleBegun,
  { why, failed }: { readonly why: string; readonly failed: boolean },
): AskedRecovery {
  const name = `Role ${role.replaceAll(/\s+/g, " ")}`;
  const title = failed
    ? `${name} failed, and how far it came is unknown: run it again?`
    : `${name} began, and its end is unknown: run it again?`;
  const body = `\
The role runs once: nerve never runs it again by itself. It began, or was about to, and nerve does not know how far it came.

- round ${round}, attempt ${attempt}, begun ${new Date(at).toISOString()}
- what happened: ${toReason(why)}
- its idempotency key: \`${runId}:${round}\`

Find out what it has done, then decide:

- **retry**: it has done nothing. It runs again, with the same key.
- **done**: it has done its work. You supply its message:
  \`nerve approve ${runId} --option done --content TEXT --meta JSON\`
- **fail**: the run ends as failed.
`;
  const options = ["retry", "done", "fail"];
  const shown = { kind: "recovery", title: title.slice(0, gateTitleMaxChars), body, options } as const;
  return { ...shown, expiresMs: null, onExpiry: null, approvers: null };
}

/** Why the run continues, or has failed, for a reader. */
export function describeRecovery({ role, round }: Approval, { decision, by, comment }: ApprovalDecision): string {
  const what = decision === "retry"
    ? `role ${role} runs again in round ${round}`
    : `role ${role} began in round ${round}, and its end is unknown`;
  return `${what}: ${decision} by ${by ?? "a person"}${comment === null ? "" : `: ${comment}`}`;
}
