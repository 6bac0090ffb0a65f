/** The kernel's operations on runs that wait, and on the engines that keep runs. Part of kernel_api.ts. */
import type { Approval, ApprovalPage, ApprovalQuery, DecisionReply, DecisionRequest } from "../protocol/approval.ts";
import type { Run } from "../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../protocol/run_event.ts";
import type { Store } from "../store/store.ts";
import type { WorkflowEngine } from "../workflow/engine.ts";
import { NerveError } from "../base/errors.ts";
import type { Agents } from "./agents.ts";
import type { CurrentSecrets } from "./current_secrets.ts";
import type { SessionsApi } from "./sessions_api.ts";
import type { Reports } from "./reports.ts";
import type { EngineHost } from "./engine_host.ts";

export interface WaitsApiPorts {
  readonly store: Store;
  readonly secrets: CurrentSecrets;
  readonly workflows: WorkflowEngine;
  readonly agents: Pick<Agents, "requests" | "findOpenRequest">;
  readonly sessions: SessionsApi;
  readonly reports: Pick<Reports, "mend" | "mended">;
  readonly engineHost: EngineHost;
}

export class WaitsApi {
  readonly engines: EngineHost;
  readonly #ports: WaitsApiPorts;
  readonly sessions: SessionsApi;

  constructor(ports: WaitsApiPorts) {
    this.#ports = ports;
    this.sessions = ports.sessions;
    this.engines = ports.engineHost;
  }

  /** Open requests, oldest first; with `all`, every one, newest first. */
  approvals(query: ApprovalQuery): ApprovalPage {
    const { store, secrets } = this.#ports;
    // The page must include everything that has been reported to callers.
    store.flush();
    return secrets.mask(store.reader.approvals(query));
  }

  approval(id: string): Approval | null {
    const { store, secrets } = this.#ports;
    store.flush();
    return secrets.mask(store.reader.approval(id));
  }

  /** A repeated decision restores the run's report, if it is missing, before it is answered. */
  async decide(id: string, request: DecisionRequest): Promise<DecisionReply> {
    const { workflows, reports, secrets, agents: { requests } } = this.#ports;
    const reply = await (requests.has(id) ? requests : workflows).decide(id, request);
    if (reply.replayed) await reports.mend(reply.approval.runId);
    return secrets.mask(reply);
  }

  async pauseRun(runId: string, reason: string | null): Promise<Run> {
    return this.#ports.secrets.mask(await this.#ports.workflows.pauseRun(runId, reason));
  }

  async resumeRun(runId: string, acceptCode = false): Promise<Run> {
    const asked = this.#ports.agents.findOpenRequest(runId);
    if (asked !== null) {
      throw new NerveError("RUN_PAUSED", `run ${runId} is paused until request ${asked} is decided`, {
        hint: `nerve approvals ${asked}`,
      });
    }
    return this.#ports.secrets.mask(await this.#ports.workflows.resumeRun(runId, acceptCode));
  }

  sendEvent(runId: string, request: SendEventRequest): Promise<SendEventReply> {
    return this.#ports.workflows.sendEvent(runId, request);
  }

  /** Resolves with the run once it has ended; null when `signal` aborts first, and for an unknown run. */
  async runEnded(runId: string, signal: AbortSignal): Promise<Run | null> {
    const { workflows, secrets } = this.#ports;
    const aborted = new Promise<null>((resolve) =>
      signal.addEventListener("abort", () => resolve(null), { once: true })
    );
    if (signal.aborted) return null;
    const ended = workflows.waitForEnd(runId).then((run) => secrets.mask(run), () => null);
    return await Promise.race([ended, aborted]);
  }
}
