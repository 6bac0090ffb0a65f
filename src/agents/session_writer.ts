/**
 * Writes sessions to disk: their states, the agent's own id of each conversation, and their rows. Used by agent_host.ts
 * and sessions.ts.
 * I1. A session is on disk, or will be with the same commit, before the agent knows of it.
 * I2. Each move is a legal one (store/log/sessions_schema.ts), however the last daemon ended.
 */
import type { AgentDefinition } from "../protocol/agent.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogType, NewLogRow } from "../protocol/log.ts";
import type { SessionRecord, SessionState } from "../protocol/session.ts";
import type { HostPorts } from "./ports.ts";

export class SessionWriter {
  readonly #ports: Pick<HostPorts, "sessions" | "clock" | "newId" | "log">;

  constructor(ports: Pick<HostPorts, "sessions" | "clock" | "newId" | "log">) {
    this.#ports = ports;
  }

  /** Finds the session of that name that has not ended; otherwise creates one. */
  findOrCreate(
    { runId, workflow }: { readonly runId: string; readonly workflow: string },
    name: string,
    { name: agent, confined }: AgentDefinition,
    cwd: string,
  ): SessionRecord {
    const known = this.#ports.sessions.listOpen(runId).find((each) => each.name === name);
    if (known !== undefined) return known;
    const now = this.#ports.clock.now(), id = this.#ports.newId();
    const about = { id, runId, name, workflow, agent, cwd, created: now, changed: now };
    const session: SessionRecord = { ...about, state: "CREATED", conversation: null, recoveryAttempts: 0 };
    this.#ports.sessions.create(session, toRow(session, "session.created", { name, agent, cwd, confined }));
    return session;
  }

  /** The session cannot continue automatically: a person is asked. */
  fail(session: SessionRecord, payload: JsonObject): SessionRecord {
    const state = "FAILED_NEEDS_HUMAN";
    this.#change(session, state, "session.failed", { state: session.state, ...payload }, null, 1);
    return { ...session, state, recoveryAttempts: session.recoveryAttempts + 1 };
  }

  /** Writes a row about a session without changing its state. */
  tell(session: SessionRecord, type: LogType, payload: JsonObject): void {
    this.#ports.log(toRow(session, type, payload));
  }

  /** Ends lost sessions: a person wants new conversations to replace them. */
  endLost(runId: string, reason: string): void {
    for (const session of this.#ports.sessions.listOpen(runId)) {
      if (session.state === "FAILED_NEEDS_HUMAN") this.#change(session, "ENDED", "session.closed", { reason });
    }
  }

  /** Returns the session in its new state. */
  move(
    session: SessionRecord,
    state: SessionState,
    type: LogType,
    payload: JsonObject,
    conversation: string | null = null,
  ): SessionRecord {
    this.#change(session, state, type, payload, conversation);
    return { ...session, state, conversation: conversation ?? session.conversation };
  }

  /** Ends every session of a run that has ended. */
  endAll(runId: string, reason: string): void {
    for (const session of this.#ports.sessions.listOpen(runId)) {
      this.#change(session, "ENDED", "session.closed", { reason });
    }
  }

  /** Ends a session; does nothing if it has ended meanwhile. */
  endOne(runId: string, id: string, reason: string): void {
    const session = this.#ports.sessions.listOpen(runId).find((each) => each.id === id);
    if (session !== undefined) this.#change(session, "ENDED", "session.closed", { reason });
  }

  #change(
    session: SessionRecord,
    state: SessionState,
    type: LogType,
    payload: JsonObject,
    conversation: string | null = null,
    failures = 0,
  ): void {
    const change = { state, conversation, changed: this.#ports.clock.now(), failures };
    this.#ports.sessions.change(session.id, change, toRow(session, type, payload));
  }
}

function toRow({ id, runId, workflow }: SessionRecord, type: LogType, payload: JsonObject): NewLogRow {
  return { source: `workflow:${workflow}`, type, refId: runId, causeId: null, payload: { session: id, ...payload } };
}
