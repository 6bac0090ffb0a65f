/**
 * Settles runs that lost sessions with agents: pauses each run, asks a person with one request, and carries out the
 * decision. Created by agents.ts.
 * I1. The rows come in this order: `session.failed`, `run.paused`, `approval.requested`. A run that is already paused
 *     keeps its pause, and one that already asks keeps its request.
 * I2. The disk shows which steps are done: if the daemon dies between two of them, even after a decision, the next one
 *     does the rest when it starts.
 */
import { messageOf, NerveError } from "../base/errors.ts";
import type { Approval } from "../protocol/approval.ts";
import type { Run } from "../protocol/run.ts";
import type { SessionRecord } from "../protocol/session.ts";
import type { Store } from "../store/store.ts";
import type { WorkflowEngine } from "../workflow/engine.ts";
import { isTerminal } from "../workflow/transitions.ts";
import type { AgentRequests } from "./agent_requests.ts";

export interface SessionRecoveryPorts {
  readonly store: Store;
  readonly requests: AgentRequests;
  readonly workflows: Pick<WorkflowEngine, "pauseRun" | "resumeRun" | "killRun">;
  /** Retries the lost sessions of a run. False: one is still lost. */
  retry(runId: string): Promise<boolean>;
  /** Replaces the lost sessions of a run with new ones. */
  renew(runId: string): void;
  reportProblem(message: string): void;
}

export const recoveryGate = "session_recovery_required";

export class SessionRecovery {
  readonly #ports: SessionRecoveryPorts;
  /** By run: each is handled one step at a time. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(ports: SessionRecoveryPorts) {
    this.#ports = ports;
  }

  /** Checks runs whose sessions an earlier daemon found lost, or whose decision it had not carried out. */
  async recover(): Promise<void> {
    const { store } = this.#ports, lost = store.sessions.listUnended().filter(isLost);
    const paused = store.runs.listPaused().map(({ runId }) => runId);
    await Promise.all([...new Set([...lost.map(({ runId }) => runId), ...paused])].map((runId) => this.check(runId)));
  }

  /** Takes the next step for a run. Never rejects. */
  check(runId: string): Promise<void> {
    const turn = (this.#turns.get(runId) ?? Promise.resolve()).then(async () => {
      try {
        await this.#check(runId);
      } catch (thrown) {
        // The run has ended meanwhile: nothing is left to do.
        if (thrown instanceof NerveError && thrown.code === "RUN_ENDED") return;
        this.#ports.reportProblem(`the lost sessions of run ${runId} are not settled: ${messageOf(thrown)}`);
      }
    }).finally(() => this.#turns.get(runId) === turn && this.#turns.delete(runId));
    this.#turns.set(runId, turn);
    return turn;
  }

  /** Resolves when no run is being handled. */
  async settled(): Promise<void> {
    while (this.#turns.size > 0) await Promise.all(this.#turns.values());
  }

  /** The undecided request of a run; the run does not resume before the decision. */
  findOpen(runId: string): Approval | null {
    const approval = this.#ports.store.runs.readNewestOf(runId, "session")?.approval ?? null;
    return approval?.open === true ? approval : null;
  }

  async #check(runId: string): Promise<void> {
    const { store } = this.#ports;
    // Reads must include what was just found.
    await store.log.durable();
    const run = store.runs.get(runId);
    if (run === null || isTerminal(run.status)) return;
    const lost = store.sessions.listOpen(runId).filter(isLost);
    const newest = store.runs.readNewestOf(runId, "session")?.approval ?? null;
    if (newest?.open === true) return;
    if (newest !== null && isAbout(newest, lost, run, store.runs.readPause(runId)?.since ?? null)) {
      return await this.#carryOut(run, newest);
    }
    if (lost.length > 0) await this.#ask(run, lost);
  }

  async #ask(before: Run, lost: readonly SessionRecord[]): Promise<void> {
    const { store, requests, workflows } = this.#ports, names = lost.map(({ name }) => name).join(", ");
    const what = lost.length === 1 ? `session ${names} is lost` : `sessions ${names} are lost`;
    if (before.status !== "paused") await workflows.pauseRun(before.runId, what);
    const run = store.runs.get(before.runId) ?? before;
    await requests.ask(run, {
      kind: "session",
      gate: recoveryGate,
      role: lost[0]?.name ?? "",
      title: `The ${what}: try again?`,
      body: describe(lost),
      options: ["retry", "new_session", "abort"],
    });
  }

  async #carryOut({ runId }: Run, { decision, by, comment }: Approval): Promise<void> {
    const { workflows } = this.#ports;
    if (decision === "abort") {
      const why = `aborted by ${by ?? "a person"}, as its sessions were lost${comment === null ? "" : `: ${comment}`}`;
      await workflows.killRun(runId, why);
      return;
    }
    if (decision === "new_session") this.#ports.renew(runId);
    else if (!await this.#ports.retry(runId)) {
      const { store } = this.#ports, run = store.runs.get(runId);
      if (run !== null && !isTerminal(run.status)) await this.#ask(run, store.sessions.listOpen(runId).filter(isLost));
      return;
    }
    await workflows.resumeRun(runId, false);
  }
}

function isLost({ state }: SessionRecord): boolean {
  return state === "FAILED_NEEDS_HUMAN";
}

/**
 * Whether the decision of this request is still to be carried out: all lost sessions were lost before it, and the run
 * was paused before it and still is.
 */
function isAbout({ decided }: Approval, lost: readonly SessionRecord[], { status }: Run, paused: number | null) {
  if (decided === null || status !== "paused" || paused === null) return false;
  return paused <= decided && lost.every(({ changed }) => changed <= decided);
}

function describe(lost: readonly SessionRecord[]): string {
  const lines = lost.map(({ name, agent, id, conversation, recoveryAttempts }) =>
    `- **${name}**, with ${agent}: session \`${id}\`, its conversation ${conversation ?? "unknown"}, ` +
    `recoveries that failed: ${recoveryAttempts}`
  );
  return `\
A conversation with an agent could not go on after a death of nerve or of the agent; \`session.failed\` in the log says why.

${lines.join("\n")}

- **retry**: try again, up to three times, such as after you have logged in the agent.
- **new_session**: begin a new conversation, which gets the messages of the run so far.
- **abort**: the run ends as killed.
`;
}
