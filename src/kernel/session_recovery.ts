/**
 * What becomes of runs whose sessions with agents are lost: each is paused, and one request asks a person, whose decision is
 * carried out. Created by agents.ts.
 * I1. The rows come in this order: `session.failed`, `run.paused`, `approval.requested`. A run that is paused keeps its
 *     pause, and one that asks already keeps its request.
 * I2. Each step is found on disk: a daemon that dies between two of them, also after a decision, does the rest at its start.
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
  /** Tries the lost sessions of a run again. False: one still is lost. */
  retry(runId: string): Promise<boolean>;
  /** New sessions take the place of the lost ones of a run. */
  renew(runId: string): void;
  reportProblem(message: string): void;
}

export const recoveryGate = "session_recovery_required";

export class SessionRecovery {
  readonly #ports: SessionRecoveryPorts;
  /** By run: one thing at a time is done about each. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(ports: SessionRecoveryPorts) {
    this.#ports = ports;
  }

  /** Runs whose sessions an earlier daemon had found lost, or whose decision it had not carried out. */
  async recover(): Promise<void> {
    const { store } = this.#ports, lost = store.sessions.listUnended().filter(isLost);
    const paused = store.runs.listPaused().map(({ runId }) => runId);
    await Promise.all([...new Set([...lost.map(({ runId }) => runId), ...paused])].map((runId) => this.check(runId)));
  }

  /** Does what is to be done about a run. Never rejects. */
  check(runId: string): Promise<void> {
    const turn = (this.#turns.get(runId) ?? Promise.resolve()).then(async () => {
      try {
        await this.#check(runId);
      } catch (thrown) {
        // It has ended meanwhile: nothing is to be done any more.
        if (thrown instanceof NerveError && thrown.code === "RUN_ENDED") return;
        this.#ports.reportProblem(`the lost sessions of run ${runId} are not settled: ${messageOf(thrown)}`);
      }
    }).finally(() => this.#turns.get(runId) === turn && this.#turns.delete(runId));
    this.#turns.set(runId, turn);
    return turn;
  }

  /** Resolves when nothing is being done about any run. */
  async settled(): Promise<void> {
    while (this.#turns.size > 0) await Promise.all(this.#turns.values());
  }

  /** The request of a run that nobody has decided; its run does not go on before. */
  findOpen(runId: string): Approval | null {
    const approval = this.#ports.store.runs.readNewestOf(runId, "session")?.approval ?? null;
    return approval?.open === true ? approval : null;
  }

  async #check(runId: string): Promise<void> {
    const { store } = this.#ports;
    // What is read must include what was just found.
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
 * Whether the decision of this request is still to be carried out: for sessions that were lost before it, or for a run that
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
- **new_session**: begin a new conversation, which is told what came before in the run.
- **abort**: the run ends as killed.
`;
}
