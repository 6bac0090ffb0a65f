/**
 * What counts as a decision of a request: who may make it, about what, and what counts as a repetition. Used by
 * decisions.ts, and by kernel/agent_requests.ts for requests of agents.
 * I1. Repeating a decision (the same option, with the same token or by the same person) gets the same answer, and
 *     changes nothing. Any other decision of a decided request is a conflict that reports the decision.
 * I2. Where nerve.yaml names approvers, a decision counts only with the signature of an approver who may decide it.
 * I3. A decision about anything other than what the request shows is refused, and logged.
 */
import { NerveError } from "../../base/errors.ts";
import { toStorableText } from "../../base/storable_text.ts";
import type {
  Approval,
  ApprovalDecision,
  DecisionReply,
  DecisionRequest,
  StoredApproval,
} from "../../protocol/approval.ts";
import type { Approvers } from "../../protocol/approver.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import { checkSupplied } from "./once_roles.ts";
import { createDecision, describeDecision } from "./gates.ts";
import { findSigner, type Signer } from "./decision_signature.ts";

export interface DecisionCheckParts {
  /** Writes a row that changes no run. */
  readonly log: (row: NewLogRow) => unknown;
  /** Who may decide. */
  readonly approvers: () => Approvers;
}

export class DecisionCheck {
  readonly #parts: DecisionCheckParts;

  constructor(parts: DecisionCheckParts) {
    this.#parts = parts;
  }

  async findSigner(stored: StoredApproval, asked: DecisionRequest): Promise<Signer | null> {
    try {
      return await findSigner(this.#parts.approvers(), stored.approval, asked);
    } catch (thrown) {
      throw thrown instanceof NerveError ? this.refuse(stored, asked, thrown) : thrown;
    }
  }

  /** The decision of a person whom `findSigner` has identified. */
  create(approval: Approval, asked: DecisionRequest, signer: Signer | null, now: number): ApprovalDecision {
    const { option, token, by, comment } = asked;
    const how = {
      decision: option,
      by: signer?.by ?? (by === undefined ? null : toStorableText(by)),
      how: "person",
      token: toStorableText(token),
      comment: comment === undefined || comment === "" ? null : toStorableText(comment),
      key: signer?.key ?? null,
      signature: signer?.signature ?? null,
    } as const;
    return createDecision(approval, how, now);
  }

  /** Handles a decision of a request that is already decided. */
  async repeat(stored: StoredApproval, asked: DecisionRequest): Promise<DecisionReply> {
    const { approval, token } = stored, { decision, by, how } = approval, asker = await this.#askerOf(stored, asked);
    const isSame = how === "person" && decision === asked.option &&
      (token === toStorableText(asked.token) || (by !== null && by === asker));
    if (isSame) return { replayed: true, approval };
    const message = `request ${approval.id} was decided: ${describeDecision(approval)}`;
    throw this.refuse(
      stored,
      asked,
      new NerveError("APPROVAL_DECIDED", message, {
        hint: `nerve approvals ${approval.id} shows the decision`,
      }),
    );
  }

  /** Who asks, as far as that counts: for a signed decision, the signer of the repetition. */
  async #askerOf({ approval }: StoredApproval, asked: DecisionRequest): Promise<string | null> {
    if (approval.key === null) return asked.by ?? null;
    try {
      return (await findSigner(this.#parts.approvers(), approval, asked))?.by ?? null;
    } catch (thrown) {
      // A faulty signature identifies no one, and the conflict is reported.
      if (thrown instanceof NerveError) return null;
      throw thrown;
    }
  }

  /** Throws unless the request can be decided this way. */
  check(stored: StoredApproval, asked: DecisionRequest): void {
    const { approval } = stored, { id, options, digest, open } = approval;
    if (!open) throw this.refuse(stored, asked, toNotWaiting(stored));
    if (!options.includes(asked.option)) {
      throw new NerveError("PAYLOAD_INVALID", `"${asked.option}" is not an option of request ${id}`, {
        hint: `there are: ${options.join(", ")}`,
      });
    }
    checkSupplied(approval, asked);
    if (asked.digest === digest) return;
    const message = `the decision is about something else than request ${id} asks: its digest differs`;
    const hint = `look at what it asks now: nerve approvals ${id}`;
    throw this.refuse(stored, asked, new NerveError("APPROVAL_STALE", message, { hint }));
  }

  /** Logs the error, and returns it. */
  refuse({ approval }: StoredApproval, { option, by }: DecisionRequest, error: NerveError): NerveError {
    const { id, runId, workflow } = approval;
    const payload = { id, option: option.slice(0, 100), by: by ?? null, code: error.code, why: error.message };
    this.#parts.log({ source: `workflow:${workflow}`, type: "approval.refused", refId: runId, causeId: null, payload });
    return error;
  }
}

export function toNotWaiting({ approval: { id, runId } }: Pick<StoredApproval, "approval">): NerveError {
  return new NerveError("RUN_ENDED", `run ${runId} does not wait for request ${id} any more`, {
    hint: `nerve workflow inspect ${runId}`,
  });
}
