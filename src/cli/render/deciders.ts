/** Who may decide a request, in words. */
import type { ApprovalSummary } from "../../protocol/approval.ts";
import { type Approvers, peopleOf } from "../../protocol/approver.ts";
import { clip } from "./terminal.ts";

/** Null: whoever may use the daemon. `approvers`: null when nerve.yaml cannot be read. */
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
