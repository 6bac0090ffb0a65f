/**
 * The sessions of unfinished runs: finds the session of a role, opens it, and continues it after a death of the daemon
 * or of its agent. Used by agent_host.ts.
 * I1. A session is on disk before its agent knows of it, with its state and the agent's own id of the conversation: the
 *     next daemon continues it.
 * I2. A session that cannot continue is `FAILED_NEEDS_HUMAN`, on disk, until a person has decided.
 */
import { sessionStartsMax } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { startSlotMaxMs } from "../base/limits.ts";
import type { AgentDefinition, PromptAnswer, PromptAsk } from "../protocol/agent.ts";
import type { SessionRecord } from "../protocol/session.ts";
import { AgentFault, type AgentSession, type HostPorts } from "./ports.ts";
import { resumeSession } from "./resume.ts";
import type { SessionWriter } from "./session_writer.ts";
import { openSession } from "./session_opener.ts";
import { Slots } from "./slots.ts";

export interface OpenSession {
  /** The session as it is on disk. */
  record: SessionRecord;
  readonly definition: AgentDefinition;
  /** Settles when its last prompt, and the attempt to continue it, are over. */
  tail: Promise<unknown>;
  open: AgentSession | null;
  /** The last prompt that was answered. */
  answered: { readonly key: string; readonly answer: PromptAnswer } | null;
  /** Aborts when the session ends. */
  readonly halt: AbortController;
}

/** The definition for a session on disk; null: its workflow may no longer use that agent. */
export type DefinitionOf = (session: SessionRecord) => AgentDefinition | null;

const lostState = "FAILED_NEEDS_HUMAN";

export function isLost({ record }: OpenSession): boolean {
  return record.state === lostState;
}

export class Sessions {
  readonly #ports: HostPorts;
  readonly #writer: SessionWriter;
  /** By run and name. */
  readonly #known = new Map<string, OpenSession>();
  readonly #starts = new Slots();
  /** Sessions that an earlier daemon has left, or that a person wants to retry. */
  readonly #recovering = new WeakSet<OpenSession>();

  constructor(ports: HostPorts, writer: SessionWriter) {
    this.#ports = ports;
    this.#writer = writer;
  }

  /** Throws an AgentFault when the session of that name has another agent or folder. */
  find(
    { runId, workflow }: { readonly runId: string; readonly workflow: string },
    { session: name, agent }: Pick<PromptAsk, "session" | "agent">,
    definition: AgentDefinition,
    cwd: string,
  ): OpenSession {
    const key = toKey({ runId, name }), known = this.#known.get(key);
    const session = known ??
      toSession(this.#writer.findOrCreate({ runId, workflow }, name, definition, cwd), definition);
    const { record } = session;
    if (record.agent !== agent) throw new AgentFault(`the session ${name} of this run is one with ${record.agent}`);
    if (record.cwd !== cwd) throw new AgentFault(`the session ${name} of this run works in ${record.cwd}`);
    this.#known.set(key, session);
    return session;
  }

  /**
   * Null: its conversation continues, and it is READY. Otherwise the session is lost, and this is why; a session
   * without a conversation has nothing to lose, and rejects with an AgentFault. Rejects when `signal` aborts.
   */
  async resume(session: OpenSession, signal: AbortSignal): Promise<string | null> {
    const { record } = session, { state } = record, recovers = this.#recovering.has(session);
    const { tries, fault } = await resumeSession(() => this.#open(session), signal);
    if (fault !== null) {
      if (state === "CREATED" && !recovers) throw new AgentFault(fault);
      await this.#lose(session, fault, tries);
      return fault;
    }
    const conversation = session.open?.conversation ?? null;
    if (state === "CREATED") {
      session.record = this.#writer.move(record, "READY", "session.ready", {}, conversation);
    } else if (state !== "READY") {
      session.record = this.#writer.move(
        record,
        "READY",
        "session.recovered",
        { state, tries, conversation },
        conversation,
      );
    } else if (recovers) this.#writer.tell(record, "session.recovered", { state, tries, conversation });
    return null;
  }

  /** Marks the session as lost, without another try. */
  async lose(session: OpenSession, reason: string): Promise<void> {
    await this.#lose(session, reason, 0);
  }

  async #lose(session: OpenSession, reason: string, tries: number): Promise<void> {
    const { open } = session;
    session.open = null;
    session.record = this.#writer.fail(session.record, { reason, tries });
    await open?.end();
  }

  /**
   * Continues sessions of an earlier daemon. They are known immediately, and their prompts wait. Calls `onLost` once
   * for each run with a lost session.
   */
  async recover(
    records: readonly SessionRecord[],
    definitionOf: DefinitionOf,
  ): Promise<{ recovered: number; failed: number }> {
    const found = await Promise.all(records.map((record) => this.#recover(record, definitionOf(record))));
    const lost = records.filter((_, at) => found[at] === "lost");
    for (const runId of new Set(lost.map((record) => record.runId))) this.#ports.onLost(runId);
    return { recovered: found.filter((each) => each === "goes on").length, failed: lost.length };
  }

  /** Retries the lost sessions of a run. False: one is still lost. */
  async retry(runId: string, definitionOf: DefinitionOf): Promise<boolean> {
    const lost = this.#ports.sessions.listOpen(runId).filter(({ state }) => state === lostState);
    for (const record of lost) await this.#known.get(toKey(record))?.tail;
    const found = await Promise.all(lost.map((record) => this.#recover(record, definitionOf(record))));
    return !found.includes("lost");
  }

  /** Ends the lost sessions of a run: new ones replace them. */
  renew(runId: string, reason: string): void {
    for (const [key, session] of this.#known) {
      if (session.record.runId === runId && isLost(session)) this.#known.delete(key);
    }
    this.#writer.endLost(runId, reason);
  }

  /** Ends the programs of a run's sessions, of all runs, or of one name, and forgets these sessions. */
  async end(runId: string | null, reason: Error, name: string | null = null): Promise<void> {
    const isMeant = ({ record }: OpenSession) =>
      (runId === null || record.runId === runId) && (name === null || record.name === name);
    const ending = [...this.#known].filter(([, session]) => isMeant(session));
    for (const [key, { halt }] of ending) {
      this.#known.delete(key);
      halt.abort(reason);
    }
    await Promise.all(ending.map(([, session]) => session.tail.then(() => session.open?.end())));
  }

  async #recover(record: SessionRecord, definition: AgentDefinition | null): Promise<"goes on" | "lost" | "ended"> {
    if (definition === null) {
      this.#writer.fail(record, { reason: `nerve.yaml does not give agent ${record.agent} to its workflow`, tries: 0 });
      return "lost";
    }
    const session = toSession(record, definition), { signal } = session.halt;
    this.#known.set(toKey(record), session);
    this.#recovering.add(session);
    const going = this.resume(session, signal).finally(() => this.#recovering.delete(session));
    session.tail = going.catch(() => {});
    try {
      return await going === null ? "goes on" : "lost";
    } catch (thrown) {
      if (signal.aborted) return "ended";
      this.#ports.reportProblem(`session ${record.id} could not be recovered: ${messageOf(thrown)}`);
      return "lost";
    }
  }

  async #open(session: OpenSession): Promise<AgentSession> {
    const mayStart = (signal: AbortSignal) => this.#mayStart(signal);
    return session.open ??= await openSession(this.#ports, session.record, session.definition, mayStart);
  }

  /** A start that takes long is waiting for something other than a core: it no longer holds up the others. */
  async #mayStart(signal: AbortSignal): Promise<() => void> {
    const release = await this.#starts.take("", sessionStartsMax, signal);
    let isOver = false;
    const end = () => {
      cancel();
      if (!isOver) release();
      isOver = true;
    };
    const cancel = this.#ports.clock.after(startSlotMaxMs, end);
    return end;
  }
}

function toKey({ runId, name }: { readonly runId: string; readonly name: string }): string {
  return `${runId} ${name}`;
}

function toSession(record: SessionRecord, definition: AgentDefinition): OpenSession {
  return { record, definition, tail: Promise.resolve(), open: null, answered: null, halt: new AbortController() };
}
