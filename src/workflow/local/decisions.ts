/**
 * Decides the requests of runs. Called by manager.ts for a person; due_waits.ts decides those that expire.
 * I1. A request is decided once. The decision, its message and the move of its run are one commit.
 * decision_check.ts defines what counts as a decision.
 */
import { NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { DecisionReply, DecisionRequest, StoredApproval } from "../../protocol/approval.ts";
import { unknownApproval } from "../../protocol/common_errors.ts";
import { DecisionCheck, type DecisionCheckParts, toNotWaiting } from "./decision_check.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { OnceRoles } from "./once_roles.ts";
import { createDecisionMessage } from "./gates.ts";
import type { RunStore } from "./ports.ts";
import { toStoreFailed } from "./run_admission.ts";
import type { RunWriter } from "./run_writer.ts";
import type { Signer } from "./decision_signature.ts";
import type { Waits } from "./waits.ts";

export interface DecisionsParts extends DecisionCheckParts {
  readonly waits: Waits;
  readonly effects: OnceRoles;
  readonly writer: RunWriter;
  readonly dispatcher: Dispatcher;
  readonly store: Pick<RunStore, "get" | "readApproval">;
  readonly clock: Clock;
}

export class Decisions {
  readonly #parts: DecisionsParts;
  readonly #check: DecisionCheck;

  constructor(parts: DecisionsParts) {
    this.#parts = parts;
    this.#check = new DecisionCheck(parts);
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
        if (approval.state !== "pending") return await this.#check.repeat(stored, asked);
        this.#check.check(stored, asked);
        const run = store.get(runId);
        if (run?.status === "paused") throw toPaused(runId);
        if (run?.status !== "waiting") throw this.#check.refuse(stored, asked, toNotWaiting(stored));
        if (signer === undefined) signer = await this.#check.findSigner(stored, asked);
        else if (await this.#settle(stored, asked, signer)) {
          return { replayed: false, approval: store.readApproval(id)?.approval ?? approval };
        }
      } else await moving;
      // Another decision came first.
      if (writer.closed) throw toStoreFailed(`request ${id} could not be decided`, new Error("the daemon stops"));
    }
  }

  async #settle({ approval }: StoredApproval, asked: DecisionRequest, signer: Signer | null): Promise<boolean> {
    const { waits, effects, store, dispatcher, clock } = this.#parts, run = store.get(approval.runId);
    if (run === null) return false;
    const decision = this.#check.create(approval, asked, signer, clock.now());
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
}

function toPaused(runId: string): NerveError {
  return new NerveError("RUN_PAUSED", `run ${runId} is paused, and decides nothing meanwhile`, {
    hint: `nerve workflow resume ${runId}, then decide`,
  });
}
