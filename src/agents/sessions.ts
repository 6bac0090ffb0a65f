/**
 * The sessions of runs that have not ended: finds the one of a role, opens it, and goes on with it after a death of the
 * daemon or of its agent. Used by agent_host.ts.
 * I1. A session is on disk before its agent knows of it, with its state and the agent's own id of the conversation: the
 *     next daemon goes on with it.
 * I2. A session that cannot go on is `FAILED_NEEDS_HUMAN`, on disk, and stays so until a person has decided.
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
  /** As it is on disk. */
  record: SessionRecord;
  readonly definition: AgentDefinition;
  /** Settles when its last prompt so far is over, and the attempt to go on with it. */
  tail: Promise<unknown>;
  open: AgentSession | null;
  /** The last prompt that was answered. */
  answered: { readonly key: string; readonly answer: PromptAnswer } | null;
  /** Aborts when it ends. */
  readonly halt: AbortController;
}

/** Of a session on disk; null: its workflow may not ask that agent any more. */
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
  /** Those that an earlier daemon has left, or a person wants to be tried again. */
  readonly #recovering = new WeakSet<OpenSession>();

  constructor(ports: HostPorts, writer: SessionWriter) {
    this.#ports = ports;
    this.#writer = writer;
  }

  /** Throws an AgentFault when the session of that name is another one. */
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
   * Null: its conversation goes on, and it is READY. Otherwise it is lost, and this is why; a session that has no
   * conversation yet loses nothing, and rejects with an AgentFault. Rejects when `signal` aborts.
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

  /** It is lost without another try. */
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
   * Goes on with sessions of an earlier daemon. They are known at once, and their prompts wait. Each run of which one is
   * lost is told to `onLost`, once.
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

  /** Tries those of a run again that are lost. False: one still is. */
  async retry(runId: string, definitionOf: DefinitionOf): Promise<boolean> {
    const lost = this.#ports.sessions.listOpen(runId).filter(({ state }) => state === lostState);
    for (const record of lost) await this.#known.get(toKey(record))?.tail;
    const found = await Promise.all(lost.map((record) => this.#recover(record, definitionOf(record))));
    return !found.includes("lost");
  }

  /** Ends those of a run that are lost: new ones take their place. */
  renew(runId: string, reason: string): void {
    for (const [key, session] of this.#known) {
      if (session.record.runId === runId && isLost(session)) this.#known.delete(key);
    }
    this.#writer.endLost(runId, reason);
  }

  /** Ends the programs of all sessions of a run, or of all runs, or of the one of that name. They are known no more. */
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

  /** A start that takes long waits for something else than a core: it no longer holds back the others. */
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
