/** Who has made a decision, where nerve.yaml names approvers. Used by decision_check.ts and decisions.ts. */
import { NerveError } from "../../base/errors.ts";
import { fingerprintOf } from "../../base/ssh_key.ts";
import { verifySshSignature } from "../../base/ssh_signature.ts";
import {
  approvalNamespace,
  type ApprovalSummary,
  type DecisionRequest,
  toSignedText,
} from "../../protocol/approval.ts";
import { type Approvers, peopleOf } from "../../protocol/approver.ts";

export interface Signer {
  readonly by: string;
  /** The fingerprint of their key. */
  readonly key: string;
  readonly signature: string;
}

/** Null where anyone who reaches the control socket may decide. Error: APPROVAL_FORBIDDEN. */
export async function findSigner(
  approvers: Approvers,
  approval: Pick<ApprovalSummary, "id" | "digest" | "approvers" | "options">,
  asked: DecisionRequest,
): Promise<Signer | null> {
  // A request that names approvers stays theirs even when nerve.yaml no longer has any.
  if (approvers.people.size === 0 && approval.approvers === null) return null;
  const people = peopleOf(approvers, approval.approvers), { signature } = asked;
  if (signature === undefined) throw toForbidden(approval, people, "needs a signature");
  const message = new TextEncoder().encode(toSignedText(approval, asked));
  const key = await verifySshSignature(signature, message, approvalNamespace);
  if (!key.ok) throw toForbidden(approval, people, `has a signature that does not count: ${key.error}`);
  const { blob } = key.value, by = people.find((name) => approvers.people.get(name)?.includes(blob));
  const fingerprint = await fingerprintOf(key.value);
  if (by !== undefined) return { by, key: fingerprint, signature };
  const [stranger] = [...approvers.people].find(([, keys]) => keys.includes(blob)) ?? [];
  const whose = stranger === undefined ? "of none of the approvers" : `of ${stranger}, who may not decide it`;
  throw toForbidden(approval, people, `is signed by a key ${whose}: ${fingerprint}`);
}

function toForbidden(
  { id, approvers, options }: Pick<ApprovalSummary, "id" | "approvers" | "options">,
  people: string[],
  why: string,
): NerveError {
  const option = options.includes("approve") ? "" : " --option OPTION";
  const message = `the decision of request ${id} ${why}`;
  const hint = people.length > 0
    ? `${people.slice(0, 10).join(", ")} may decide it: nerve approve ${id}${option} --key FILE`
    : `nobody may decide it: add ${approvers?.join(", ")} to the approvers of nerve.yaml`;
  return new NerveError("APPROVAL_FORBIDDEN", message, { hint });
}
