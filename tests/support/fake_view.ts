/** A fake kernel for tests of the control API and of the command line: it records its calls. */
import { Broadcast, type Subscription } from "../../src/base/broadcast.ts";
import { NerveError } from "../../src/base/errors.ts";
import type { KernelPort } from "../../src/control/kernel_port.ts";
import type {
  AcceptedTrigger,
  ArchiveReply,
  ArchiveRequest,
  ComputeResult,
  Health,
  ReloadReply,
  SenseView,
  StartRunRequest,
  WorkflowView,
} from "../../src/protocol/api.ts";
import type { AlertChanged, AlertView } from "../../src/protocol/alert.ts";
import { unknownAlert, unknownApproval, unknownRun, unknownWorkflow } from "../../src/protocol/common_errors.ts";
import type {
  Approval,
  ApprovalPage,
  ApprovalQuery,
  DecisionReply,
  DecisionRequest,
} from "../../src/protocol/approval.ts";
import type { LogFilter, LogRow } from "../../src/protocol/log.ts";
import type { PageReader, Records } from "../../src/protocol/queries.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../../src/protocol/run_event.ts";
import { noSessions } from "./no_sessions.ts";
import { anAlert } from "./alert_view.ts";
import { aRun, aSense } from "./api_views.ts";
import { FakeDashboard } from "./fake_dashboard.ts";
import { pagesOf } from "./text_pages.ts";

function aRow(id: number): LogRow {
  return {
    id,
    ts: 10_004,
    source: "sense:cpu-usage",
    type: "sense.signal",
    refId: "cpu-usage",
    causeId: null,
    payload: { payload: { used: 0.93 } },
  };
}

export class FakeView implements KernelPort {
  readonly requests: unknown[] = [];
  /** The rows of the log. */
  ids: readonly number[] = [12];
  /** The log that `followLog` returns. */
  readonly rows = new Broadcast<LogRow>();
  readonly runsById = new Map<string, Run>([["run-1", aRun()]]);
  readonly sensesByName = new Map<string, SenseView>([["cpu-usage", aSense()]]);
  result: ComputeResult = { kind: "null" };
  /** The result of the resets. */
  quarantined = true;
  /** What `startRun` does; tests replace it. */
  start: (workflow: string, request: StartRunRequest) => Promise<Run> = (workflow, request) => {
    if (workflow !== "cleanup") throw unknownWorkflow(workflow, ["cleanup"]);
    const run = aRun({ runId: request.runId ?? "run-2", prompt: request.prompt ?? "", payload: request.payload ?? {} });
    this.runsById.set(run.runId, run);
    return Promise.resolve(run);
  };
  /** Resolvers of `runEnded`, and whether their caller has gone. */
  readonly waiting: { runId: string; gone: AbortSignal; end: () => void }[] = [];

  readonly records: Records = {
    runs: (query) => {
      this.requests.push(query);
      const items = [...this.runsById.values()];
      return { total: items.length, items };
    },
    run: (runId) => this.runsById.get(runId) ?? null,
    messages: (_runId, query) => {
      this.requests.push(query);
      return [{ round: 1, role: "scan", content: "3 files", meta: { files: 3 }, ts: 1_200 }];
    },
    logs: (filter: LogFilter): LogRow[] => {
      this.requests.push(filter);
      const { afterId = 0, beforeId = Infinity, limit = 100, order } = filter;
      const rows = this.ids.filter((id) => id > afterId && id < beforeId).map((id) => aRow(id));
      return (order === "desc" ? rows.toReversed() : rows).slice(0, limit);
    },
  };

  readonly pages: PageReader = pagesOf(() => this.records, (archived) => archived && this.requests.push("archived"));

  run(runId: string): Run | null {
    return this.records.run(runId);
  }

  followLog(): Subscription<LogRow> {
    return this.rows.subscribe();
  }

  prepareHealth(): Promise<void> {
    return Promise.resolve();
  }

  health(): Health {
    return {
      pid: 42,
      version: "0.1.0",
      workspace: "/srv/watch",
      startedAt: 0,
      uptimeMs: 20_000,
      units: [],
      runs: { active: 0, queued: 0, waiting: 0, paused: 0, dropped: 0 },
      approvals: { open: 0, oldest: null, expired: 0 },
      alerts: { firing: 0, pending: 0 },
      listener: null,
      counters: { computes: 3 },
      configError: null,
      lockError: null,
      warnings: [],
      landlock: 7,
      stuckPrograms: [],
      storeError: null,
      archive: null,
    };
  }

  senses(): SenseView[] {
    return [...this.sensesByName.values()];
  }

  sense(name: string): SenseView | null {
    return this.sensesByName.get(name) ?? null;
  }

  triggerSense(name: string): AcceptedTrigger | null {
    if (!this.sensesByName.has(name)) return null;
    this.requests.push({ trigger: name });
    const outcome = () => Promise.resolve(this.result), recorded = () => Promise.resolve();
    return { computeId: 7, how: "started", until: null, outcome, recorded };
  }

  readonly pauses: KernelPort["pauses"] = {
    pause: (name, { forMs, reason = null }) => {
      const since = Date.UTC(2026, 0, 1), until = forMs === undefined ? null : since + forMs;
      this.requests.push({ pause: name });
      const reply = { changed: true, paused: { since, until, reason, skipped: 0 } };
      return Promise.resolve(this.sensesByName.has(name) ? reply : null);
    },
    resume: (name) => {
      this.requests.push({ resume: name });
      return Promise.resolve(this.sensesByName.has(name) ? { changed: false, paused: null } : null);
    },
  };

  resetSense(name: string): boolean | null {
    this.requests.push({ resetSense: name });
    return this.sensesByName.has(name) ? this.quarantined : null;
  }

  resetWorkflow(name: string): boolean | null {
    this.requests.push({ resetWorkflow: name });
    return name === "cleanup" ? this.quarantined : null;
  }

  readonly alertsByName = new Map<string, AlertView>([["disk-full", anAlert()]]);

  readonly sessions: KernelPort["sessions"] = noSessions;
  readonly engines: KernelPort["engines"] = {
    list: () => Promise.resolve({ items: [] }),
    register: (name) => Promise.reject(new NerveError("ENGINE_UNKNOWN", `there is no engine ${name}`)),
  };

  readonly hooks: KernelPort["hooks"] = {
    list: () => ({ listener: null, items: [] }),
    bodyLimitOf: () => null,
    onTooLarge: () => {},
    receive: () => Promise.resolve(null),
    wantedListener: () => null,
    onListenerChange: () => {},
    setListener: () => {},
  };

  readonly access: KernelPort["access"] = {
    list: () => [],
    create: (request) => Promise.reject(new NerveError("TOKEN_EXISTS", `there is a token ${request.name}`)),
    revoke: () => Promise.resolve({ revoked: [] }),
    makeLink: () => Promise.resolve({ path: "/login?link=x", expires: 5, listener: null }),
    openSession: () => Promise.reject(new NerveError("LINK_UNKNOWN", "the link is too old")),
    admit: () => Promise.reject(new NerveError("ACCESS_UNKNOWN", "there is no such token")),
    onDenied: () => {},
    denied: {},
    hasToken: false,
    cookie: "nerve_fake",
  };

  readonly dashboard: KernelPort["dashboard"] = new FakeDashboard((asked) => this.requests.push(asked));

  readonly alerts: KernelPort["alerts"] = {
    views: () => Promise.resolve([...this.alertsByName.values()]),
    view: (name) => Promise.try(() => this.#alert(name)),
    silence: (name, request) => this.#changeAlert(name, { silence: name, ...request }),
    unsilence: (name, request) => this.#changeAlert(name, { unsilence: name, ...request }),
    ack: (name, request) => this.#changeAlert(name, { ack: name, ...request }),
  };

  #alert(name: string): AlertView {
    const found = this.alertsByName.get(name);
    if (found === undefined) throw unknownAlert(name, this.alertsByName.keys());
    return found;
  }

  #changeAlert(name: string, request: unknown): Promise<AlertChanged> {
    this.#alert(name);
    this.requests.push(request);
    return Promise.resolve({ changed: 1 });
  }

  killRun(runId: string, reason: string | null): Promise<Run> {
    const run = this.runsById.get(runId);
    if (run === undefined) throw unknownRun(runId);
    if (run.endedAt !== null) throw new NerveError("RUN_ENDED", `run ${runId} has already ended: ${run.status}`);
    const killed = aRun({ ...run, status: "killed", exitCode: 137, reason: reason ?? "killed on request", endedAt: 9 });
    this.runsById.set(runId, killed);
    return Promise.resolve(killed);
  }

  workflows(): WorkflowView[] {
    return [{
      name: "cleanup",
      use: null,
      schedule: [],
      nextDue: null,
      concurrency: 1,
      overflow: "drop",
      active: 0,
      queued: 0,
      waiting: 0,
      paused: 0,
      problem: null,
    }];
  }

  /** The answer of `reload`; tests replace it. */
  reloadReply: ReloadReply = { configError: null, changes: [], replaced: [], problems: [] };

  reload(): Promise<ReloadReply> {
    this.requests.push("reload");
    return Promise.resolve(this.reloadReply);
  }

  archive(request: ArchiveRequest): Promise<ArchiveReply> {
    this.requests.push({ archive: request });
    const days = [{ day: "2026-01-31", rows: 3 }];
    return Promise.resolve({ beforeMs: 0, dryRun: request.dryRun ?? false, days, rows: 3, held: 1, vacuumed: false });
  }

  pauseRun(runId: string, reason: string | null): Promise<Run> {
    this.requests.push({ pause: runId, reason });
    return Promise.resolve(this.runsById.get(runId) ?? aRun({ runId, status: "paused" }));
  }

  resumeRun(runId: string, acceptCode: boolean): Promise<Run> {
    this.requests.push({ resume: runId, ...acceptCode ? { acceptCode } : {} });
    return Promise.resolve(this.runsById.get(runId) ?? aRun({ runId, status: "started" }));
  }

  sendEvent(runId: string, { name, key }: SendEventRequest): Promise<SendEventReply> {
    if (!this.runsById.has(runId)) throw unknownRun(runId);
    this.requests.push({ send: runId, name, key });
    return Promise.resolve({ replayed: false, event: { name, key, received: 5, taken: null } });
  }

  readonly approvalsById = new Map<string, Approval>();

  approvals(query: ApprovalQuery): ApprovalPage {
    this.requests.push(query);
    const items = [...this.approvalsById.values()].map(({ body: _, ...rest }) => rest);
    return { total: items.length, items };
  }

  approval(id: string): Approval | null {
    return this.approvalsById.get(id) ?? null;
  }

  decide(id: string, request: DecisionRequest): Promise<DecisionReply> {
    const approval = this.approvalsById.get(id);
    if (approval === undefined) throw unknownApproval(id);
    this.requests.push({ decide: id, ...request });
    return Promise.resolve({ replayed: false, approval: { ...approval, state: "approved", open: false } });
  }

  startRun(workflow: string, request: StartRunRequest): Promise<Run> {
    return this.start(workflow, request);
  }

  runEnded(runId: string, gone: AbortSignal): Promise<Run | null> {
    return new Promise((resolve) => {
      this.waiting.push({ runId, gone, end: () => resolve(null) });
      gone.addEventListener("abort", () => resolve(null), { once: true });
    });
  }
}
