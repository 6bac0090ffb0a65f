/**
 * Notifies people of requests: starts the workflow `approvals.notify` for each, and again after each `approvals.remind`
 * without a decision. Created by wiring.ts.
 * I1. Each notice is exactly one run, even across crashes: its id follows from the request and its number of notices.
 * I2. The database records which notices were sent; memory holds only the time of the next check.
 * I3. Requests of the notifying workflow itself send no notices: they would cause further notices without end.
 */
import { messageOf } from "../base/errors.ts";
import { backoffMaxMs } from "../base/limits.ts";
import { sha256 } from "../base/sha256.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { ApprovalsConfig } from "../config/types.ts";
import type { ApprovalNotice } from "../protocol/approval.ts";
import { isPlainObject } from "../protocol/json.ts";
import type { Records } from "../protocol/queries.ts";
import type { ApprovalNoticeStore, UntoldRequest } from "../store/approvals/approval_notices.ts";
import type { WorkflowEngine } from "../workflow/engine.ts";

export interface ApprovalNoticePorts {
  readonly clock: Clock;
  readonly notices: Pick<ApprovalNoticeStore, "listDue" | "firstToldAt" | "markTold" | "forgetFuture">;
  readonly reader: Pick<Records, "logs">;
  readonly workflows: Pick<WorkflowEngine, "startRun">;
  /** Resolves when what was written can be read. */
  recorded(): Promise<void>;
  reportProblem(message: string): void;
}

/** How many runs are started at a time. */
const startsMax = 100;

export class ApprovalNotices {
  readonly #ports: ApprovalNoticePorts;
  #config: ApprovalsConfig = { notify: null, remindMs: null };
  #open = false;
  #looking = false;
  /** Something may be due that the check in progress has not seen. */
  #again = false;
  /** The notices sent last: the same ones are due again if the disk did not store that they were sent. */
  #lastSent = "";
  #cancel: CancelTimer = () => {};

  constructor(ports: ApprovalNoticePorts) {
    this.#ports = ports;
  }

  configure(config: ApprovalsConfig): void {
    this.#config = config;
    this.look();
  }

  start(): void {
    this.#open = true;
    this.look();
  }

  stop(): void {
    this.#open = false;
    this.#cancel();
  }

  /** Call this when there may be a new request. */
  look(): void {
    this.#again = true;
    if (this.#open && !this.#looking) void this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    this.#cancel();
    let inMs: number | null = null;
    try {
      while (this.#again && this.#open) {
        this.#again = false;
        inMs = await this.#tellDue();
      }
    } catch (thrown) {
      inMs = backoffMaxMs;
      if (this.#open) {
        this.#ports.reportProblem(`people could not be notified of a request; retrying: ${messageOf(thrown)}`);
      }
    }
    this.#looking = false;
    if (this.#open && this.#again) return void this.#look();
    if (this.#open && inMs !== null) this.#cancel = this.#ports.clock.after(inMs, () => this.look());
  }

  /** In how many milliseconds the next notice is due; null: none is. */
  async #tellDue(): Promise<number | null> {
    const { clock, notices } = this.#ports, { notify, remindMs } = this.#config;
    if (notify === null) return null;
    notices.forgetFuture(clock.now());
    const before = remindMs === null ? null : clock.now() - remindMs;
    const due = notices.listDue(before, notify, startsMax), now = clock.now();
    const what = due.map(({ seq, told }) => `${seq}:${told}`).join();
    if (what !== "" && what === this.#lastSent) {
      this.#lastSent = "";
      return backoffMaxMs;
    }
    this.#lastSent = what;
    const ids = await Promise.all(due.map(runIdOf));
    // In the order of the requests.
    await Promise.all(due.map((each, index) => this.#tell(notify, each, ids[index] ?? null)));
    for (const each of due) notices.markTold(each, now);
    await this.#ports.recorded();
    // There may be more, and the marks may not have reached the disk.
    this.#again ||= due.length > 0;
    const first = remindMs === null ? null : notices.firstToldAt(notify);
    return first === null || remindMs === null ? null : Math.max(1, first + remindMs - clock.now());
  }

  async #tell(workflow: string, { approval, told }: UntoldRequest, tellingId: string | null): Promise<void> {
    const { id, runId, role, title, options, approvers, created, expires } = approval;
    const about = {
      runId,
      workflow: approval.workflow,
      role,
      title,
      options: [...options],
      approvers,
      created,
      expires,
    };
    const notice: ApprovalNotice = { request: id, ...about, reminder: told };
    const since = told === 0 ? "" : ` since ${new Date(created).toISOString()}`;
    await this.#ports.workflows.startRun({
      workflow,
      prompt: `run ${runId} of ${approval.workflow} waits for a decision${since}: ${title} (nerve approvals ${id})`,
      payload: notice,
      maxRounds: null,
      runId: tellingId,
      trigger: { kind: "approval", request: id },
      causeId: this.#findRow(runId, id),
    });
  }

  /** The row that contains the request. */
  #findRow(runId: string, id: string): number | null {
    const rows = this.#ports.reader.logs({ refId: runId, type: "approval.requested", order: "desc", limit: 20 });
    return rows.find(({ payload }) =>
      isPlainObject(payload) && isPlainObject(payload.request) && payload.request.id === id
    )
      ?.id ?? null;
  }
}

async function runIdOf({ approval: { id }, told }: UntoldRequest): Promise<string> {
  return `approval-${(await sha256(new TextEncoder().encode(id))).slice(0, 20)}-${told}`;
}
