/**
 * The requests that agents of a run make. They do not change the status of the run. Created by agents.ts; the API
 * passes it the decisions of such requests.
 * I1. A request is decided once, and the decision is on disk before anything acts on it. As for gates,
 *     workflow/local/decision_check.ts defines what counts as a decision.
 * I2. A repeated decision repairs side effects that are missing.
 */
import { NerveError } from "../base/errors.ts";
import { sha256 } from "../base/sha256.ts";
import { toStorableText } from "../base/storable_text.ts";
import type { Clock } from "../base/time.ts";
import { gateTitleMaxChars } from "../base/wait_limits.ts";
import {
  type AgentRequestKind,
  type Approval,
  type DecisionReply,
  type DecisionRequest,
  isAgentRequest,
  type NewApproval,
} from "../protocol/approval.ts";
import type { Approvers } from "../protocol/approver.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { Run } from "../protocol/run.ts";
import type { Store } from "../store/store.ts";
import { DecisionCheck, toNotWaiting } from "../workflow/local/decision_check.ts";
import { createDecision } from "../workflow/local/gates.ts";
import { toStoreFailed } from "../workflow/local/run_admission.ts";

export interface AgentRequestPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly approvers: () => Approvers;
  append(row: NewLogRow): unknown;
}

export interface AgentQuestion {
  readonly kind: AgentRequestKind;
  readonly gate: string;
  readonly role: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  readonly options: readonly string[];
}

export class AgentRequests {
  readonly #ports: AgentRequestPorts;
  readonly #check: DecisionCheck;
  /** Called after a decision, and again when the decision is repeated. */
  onDecided: (approval: Approval) => unknown = () => {};
  /** Called when there is a new request. */
  onAsked: () => void = () => {};

  constructor(ports: AgentRequestPorts) {
    this.#ports = ports;
    this.#check = new DecisionCheck({ log: ports.append, approvers: ports.approvers });
  }

  /** Returns the id of the request, or null if its run has ended. Rejects with the store's error. */
  async ask({ runId, workflow, rounds, causeId, attempt }: Run, question: AgentQuestion): Promise<string | null> {
    const { store, clock } = this.#ports, { kind, gate, role, options } = question;
    const title = toStorableText(question.title.slice(0, gateTitleMaxChars)), body = toStorableText(question.body);
    const id = `${runId}:${gate}::${store.runs.countApprovals(runId, gate) + 1}`, round = rounds + 1;
    const about = JSON.stringify([workflow, runId, id, kind, role, title, body, options]);
    const digest = await sha256(new TextEncoder().encode(about));
    const request: NewApproval = {
      ...{ id, round, role, gate, kind, title, body, options: [...options], digest, created: clock.now() },
      ...{ expires: null, onExpiry: null, approvers: null },
    };
    if (!await store.runs.insertRequest({ runId, workflow, causeId, attempt }, request)) return null;
    this.onAsked();
    return id;
  }

  /** Whether an agent made this request; otherwise the run itself did. */
  has(id: string): boolean {
    return isAgentRequest(this.#ports.store.runs.readApproval(id)?.approval.kind ?? "");
  }

  /** Errors: APPROVAL_DECIDED, APPROVAL_STALE, APPROVAL_FORBIDDEN, RUN_ENDED, PAYLOAD_INVALID, STORE_FAILED. */
  async decide(id: string, asked: DecisionRequest): Promise<DecisionReply> {
    const { store, clock } = this.#ports;
    for (let signer = undefined;;) {
      const stored = store.runs.readApproval(id), run = stored === null ? null : store.runs.get(stored.approval.runId);
      if (stored === null || run === null) throw new NerveError("APPROVAL_UNKNOWN", `there is no request ${id}`);
      const { approval } = stored;
      if (approval.state !== "pending") {
        const reply = await this.#check.repeat(stored, asked);
        await this.onDecided(reply.approval);
        return reply;
      }
      this.#check.check(stored, asked);
      if (signer === undefined) {
        signer = await this.#check.findSigner(stored, asked);
        continue;
      }
      const decided = store.runs.decideRequest(run, this.#check.create(approval, asked, signer, clock.now()));
      if (
        !await decided.catch((thrown) => Promise.reject(toStoreFailed(`request ${id} could not be decided`, thrown)))
      ) {
        // Another decision came first, or the run has ended.
        if (store.runs.readApproval(id)?.approval.state === "pending") throw toNotWaiting(stored);
        continue;
      }
      const now = store.runs.readApproval(id)?.approval ?? approval;
      await this.onDecided(now);
      return { replayed: false, approval: now };
    }
  }

  /** Closes a request that nothing waits for any longer, with this option as its decision and `why` as its comment. */
  async withdraw(id: string, option: string, why: string): Promise<void> {
    const { store, clock } = this.#ports, stored = store.runs.readApproval(id);
    const run = stored === null ? null : store.runs.get(stored.approval.runId);
    if (stored === null || run === null) return;
    const how = {
      decision: option,
      by: null,
      how: "expiry",
      token: null,
      comment: why,
      key: null,
      signature: null,
    } as const;
    await store.runs.decideRequest(run, createDecision(stored.approval, how, clock.now()));
  }
}
