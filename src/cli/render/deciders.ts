/** Describes who may decide a request, and who did. */
import type { ApprovalSummary } from "../../protocol/approval.ts";
import { type Approvers, peopleOf } from "../../protocol/approver.ts";
import { clip, formatDateTime, sign, toOneLine } from "./terminal.ts";

/** Null: anyone who may use the daemon. `approvers`: null when nerve.yaml cannot be read. */
export function describeDeciders(
  { approvers: names }: Pick<ApprovalSummary, "approvers">,
  approvers: Approvers | null,
): string | null {
  const people = approvers === null ? [] : peopleOf(approvers, names);
  if (names === null) return people.length === 0 ? null : clip(people.join(", "), 300);
  const known = approvers === null
    ? ""
    : people.length === 0
    ? " (nobody: not among the approvers of nerve.yaml)"
    : people.join() === names.join()
    ? ""
    : ` (${people.join(", ")})`;
  return clip(`${names.join(", ")}${known}`, 300);
}

/** `ada decided approve: Remove 3 images? (2026-..., signed with the key SHA256:...; "go")` */
export function tellDecision({ decision, by, how, key, comment, decided, title }: ApprovalSummary): string {
  const who = how === "expiry" ? "nobody decided in time, which means" : `${clip(by ?? "a person", 100)} decided`;
  const more = [
    ...decided === null ? [] : [formatDateTime(decided)],
    ...key === null ? [] : [`signed with the key ${clip(key, 100)}`],
    ...comment === null ? [] : [`"${toOneLine(comment, 200)}"`],
  ];
  const about = more.length === 0 ? "" : ` (${more.join("; ")})`;
  return `${sign.next} ${who} ${clip(decision ?? "nothing", 64)}: ${toOneLine(title, 200)}${about}`;
}
