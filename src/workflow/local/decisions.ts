/**
 * Decides what runs have asked. Called by manager.ts for a person; waits.ts decides what nobody decided in time.
 * I1. A request is decided once. The decision, its message and the move of its run are one commit.
 * I2. Whoever repeats a decision (the same option, with the same token or by the same person) gets the same answer, and
 *     nothing changes. Any other decision of a decided request is a conflict that tells the decision.
 * I3. Where nerve.yaml names approvers, a decision counts only with a signature of one of them who may decide it.
 * I4. A decision on anything else than what the request shows is refused, and the log has it.
 */
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { DecisionReply, DecisionRequest, StoredApproval } from "../../protocol/approval.ts";
import { unknownApproval } from "../../protocol/common_errors.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { Approvers } from "../../protocol/approver.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { checkSupplied, type Effects } from "./effects.ts";
import { createDecision, createDecisionMessage, describeDecision } from "./gates.ts";
import type { RunStore } from "./ports.ts";
import { toStoreFailed } from "./run_admission.ts";
import { toStorableText } from "./run_request.ts";
import type { RunWriter } from "./run_writer.ts";
import { findSigner, type Signer } from "./signer.ts";
import type { Waits } from "./waits.ts";

export interface DecisionsParts {
  readonly waits: Waits;
  readonly effects: Effects;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: Pick<RunStore, "get" | "readApproval">;
  readonly clock: Clock;
  /** Writes a row that changes no run. */
  readonly log: (row: NewLogRow) => unknown;
  /** Who may decide. */
  readonly approvers: () => Approvers;
}

export class Decisions {
  readonly #parts: DecisionsParts;

  constructor(parts: DecisionsParts) {
    this.#parts = parts;
  }

  /** Errors: APPROVAL_UNKNOWN, APPROVAL_DECIDED, APPROVAL_STALE, APPROVAL_FORBIDDEN, RUN_ENDED, RUN_PAUSED, PAYLOAD_INVALID, STORE_FAILED. */
  async decide(id: string, asked: DecisionRequest): Promise<DecisionReply> {
    const { waits, store, writer } = this.#parts;
    let signer: Signer | null | undefined;
    for (;;) {
      const stored = store.readApproval(id);
      if (stored === null) throw unknownApproval(id);
      const { approval } = stored, { runId } = approval, moving = waits.movingOf(runId);
      if (moving === null) {
        if (approval.state !== "pending") return this.#repeat(stored, asked, await this.#askerOf(stored, asked));
        this.#check(stored, asked);
        const run = store.get(runId);
        if (run?.status === "paused") throw toPaused(runId);
        if (run?.status !== "waiting") throw this.#refuse(stored, asked, toNotWaiting(stored));
        if (signer === undefined) signer = await this.#findSigner(stored, asked);
        else if (await this.#settle(stored, asked, signer)) {
          return { replayed: false, approval: store.readApproval(id)?.approval ?? approval };
        }
      } else await moving;
      // Somebody else was first.
      if (writer.closed) throw toStoreFailed(`request ${id} could not be decided`, new Error("the daemon stops"));
    }
  }

  async #findSigner(stored: StoredApproval, asked: DecisionRequest): Promise<Signer | null> {
    try {
      return await findSigner(this.#parts.approvers(), stored.approval, asked);
    } catch (thrown) {
      throw thrown instanceof NerveError ? this.#refuse(stored, asked, thrown) : thrown;
    }
  }

  async #settle({ approval }: StoredApproval, asked: DecisionRequest, signer: Signer | null): Promise<boolean> {
    const { option, token, by, comment } = asked;
    const { waits, effects, store, dispatcher, clock } = this.#parts, run = store.get(approval.runId);
    if (run === null) return false;
    const how = {
      decision: option,
      by: signer?.by ?? (by === undefined ? null : toStorableText(by)),
      how: "person",
      token: toStorableText(token),
      comment: comment === undefined || comment === "" ? null : toStorableText(comment),
      key: signer?.key ?? null,
      signature: signer?.signature ?? null,
    } as const;
    const decision = createDecision(approval, how, clock.now());
    const entry = waits.load(run);
    if (entry.endsPending > 0) throw toNotWaiting({ approval });
    try {
      const settling = approval.kind === "recovery"
        ? effects.settle(entry, approval, decision, asked)
        : waits.settle(entry, createDecisionMessage(approval, decision), { decision }, true);
      if (!await settling) return false;
    } catch (thrown) {
      throw toStoreFailed(`request ${approval.id} could not be decided`, thrown);
    }
    dispatcher.dispatch(entry.queue);
    return true;
  }

  /** Who asks, as far as that counts: of a decision that was signed, whoever signs it again. */
  async #askerOf({ approval }: StoredApproval, asked: DecisionRequest): Promise<string | null> {
    if (approval.key === null) return asked.by ?? null;
    try {
      return (await findSigner(this.#parts.approvers(), approval, asked))?.by ?? null;
    } catch (thrown) {
      // Whatever is wrong with the signature: it is nobody's then, and the conflict is told.
      if (thrown instanceof NerveError) return null;
      throw thrown;
    }
  }

  /** A decision of a request that is decided. */
  #repeat(stored: StoredApproval, asked: DecisionRequest, asker: string | null): DecisionReply {
    const { approval, token } = stored, { decision, by, how } = approval;
    const isSame = how === "person" && decision === asked.option &&
      (token === toStorableText(asked.token) || (by !== null && by === asker));
    if (isSame) return { replayed: true, approval };
    const message = `request ${approval.id} was decided: ${describeDecision(approval)}`;
    throw this.#refuse(
      stored,
      asked,
      new NerveError("APPROVAL_DECIDED", message, {
        hint: `nerve approvals ${approval.id} shows the decision`,
      }),
    );
  }

  #check(stored: StoredApproval, asked: DecisionRequest): void {
    const { approval } = stored, { id, options, digest, open } = approval;
    if (!open) throw this.#refuse(stored, asked, toNotWaiting(stored));
    if (!options.includes(asked.option)) {
      throw new NerveError("PAYLOAD_INVALID", `"${asked.option}" is no option of request ${id}`, {
        hint: `there are: ${options.join(", ")}`,
      });
    }
    checkSupplied(approval, asked);
    if (asked.digest === digest) return;
    const message = `the decision is about something else than request ${id} asks: its digest differs`;
    const hint = `look at what it asks now: nerve approvals ${id}`;
    throw this.#refuse(stored, asked, new NerveError("APPROVAL_STALE", message, { hint }));
  }

  /** Logs the error, and returns it. */
  #refuse({ approval }: StoredApproval, { option, by }: DecisionRequest, error: NerveError): NerveError {
    const { id, runId, workflow } = approval;
    const payload = { id, option: option.slice(0, 100), by: by ?? null, code: error.code, why: error.message };
    this.#parts.log({ source: `workflow:${workflow}`, type: "approval.refused", refId: runId, causeId: null, payload });
    return error;
  }
}

function toPaused(runId: string): NerveError {
  return new NerveError("RUN_PAUSED", `run ${runId} is paused, and decides nothing meanwhile`, {
    hint: `nerve workflow resume ${runId}, then decide`,
  });
}

function toNotWaiting({ approval: { id, runId } }: Pick<StoredApproval, "approval">): NerveError {
  return new NerveError("RUN_ENDED", `run ${runId} does not wait for request ${id} any more`, {
    hint: `nerve workflow inspect ${runId}`,
  });
}
