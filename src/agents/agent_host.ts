/**
 * The host of sessions: takes a prompt for a session of a run, begins the session if it is new, asks the agent, and
 * looks for the artifact. One for each workspace; created by kernel/agents.ts. The protocols are behind ports.ts.
 * I1. A prompt is identified by its key: a repeated prompt that is in progress, or was the last answered in its
 *     session, gets the same answer, and the agent gets it once.
 * I2. One prompt of a session at a time, and at most `max_sessions` of an agent; the others wait in order.
 * I3. `artifact.expected` is on disk before the host looks for the file. Two prompts never expect the same file.
 * I4. A prompt of a lost session has no answer until it is given up: its run is paused, and a person is asked.
 * I5. Nothing of a session runs once its run has ended, or `stop` has resolved.
 */
import { join, resolve } from "node:path";
import { promptSendsMax } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { describeSystemError } from "../base/os_error.ts";
import type { AgentDefinition, ArtifactFound, PromptAnswer, PromptAsk, PromptEnvelope } from "../protocol/agent.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { SessionRecord } from "../protocol/session.ts";
import { BudgetEnforcer } from "./budget_enforcer.ts";
import { compileSchema, findArtifact, markArtifact } from "./artifacts.ts";
import { AgentFault, type HostPorts } from "./ports.ts";
import { formatThread } from "./prompt_text.ts";
import { givenUp, Prompts } from "./prompts.ts";
import { SessionWriter } from "./session_writer.ts";
import { type DefinitionOf, isLost, type OpenSession, Sessions } from "./sessions.ts";
import { Slots } from "./slots.ts";

/** The role that asks. */
export interface PromptOrigin {
  readonly runId: string;
  readonly workflow: string;
  readonly round: number;
  readonly role: string;
}

type Check = ReturnType<typeof compileSchema>;

export class AgentHost {
  readonly #ports: HostPorts;
  readonly #slots = new Slots();
  readonly #writer: SessionWriter;
  readonly #sessions: Sessions;
  readonly #prompts = new Prompts();
  readonly #budgets: BudgetEnforcer;
  /** The files that prompts in progress expect. */
  readonly #expected = new Set<string>();
  /** Ends of runs in progress. */
  readonly #endings = new Set<Promise<void>>();
  #stopping = false;

  constructor(ports: HostPorts) {
    this.#ports = ports;
    this.#writer = new SessionWriter(ports);
    this.#sessions = new Sessions(ports, this.#writer);
    this.#budgets = new BudgetEnforcer(ports);
  }

  /** Never rejects. A continued session keeps the definition with which it began. */
  prompt(origin: PromptOrigin, ask: PromptAsk, definition: AgentDefinition): Promise<PromptAnswer> {
    if (this.#stopping) return Promise.resolve({ ok: false, message: "the daemon stops" });
    const key = toKey(origin, ask);
    return this.#prompts.begin(
      key,
      { runId: origin.runId, session: ask.session },
      (signal) => this.#answer(origin, ask, definition, key, signal),
    );
  }

  /** The answer is no longer needed: ends the prompt's program. */
  cancel(origin: PromptOrigin, ask: PromptAsk): void {
    this.#prompts.cancel(toKey(origin, ask), new AgentFault("the role has given up"));
  }

  /** Continues sessions of an earlier daemon; see `Sessions.recover`. */
  recover(
    records: readonly SessionRecord[],
    definitionOf: DefinitionOf,
  ): Promise<{ recovered: number; failed: number }> {
    return this.#sessions.recover(records, definitionOf);
  }

  /** Retries lost sessions of a run. False: one is still lost. */
  retry(runId: string, definitionOf: DefinitionOf): Promise<boolean> {
    return this.#sessions.retry(runId, definitionOf);
  }

  /** Ends lost sessions of a run: new ones replace them. */
  renew(runId: string, reason: string): void {
    this.#sessions.renew(runId, reason);
  }

  /** Ends the sessions of a run that has ended, and everything that they run. */
  async endRun(runId: string, reason: string): Promise<void> {
    this.#budgets.forget(runId);
    const fault = new AgentFault(reason), prompts = this.#prompts.endRun(runId, fault);
    const ending = Promise.all([prompts, this.#sessions.end(runId, fault)]).then(() =>
      this.#writer.endAll(runId, reason)
    );
    this.#endings.add(ending);
    await ending.finally(() => this.#endings.delete(ending));
  }

  /** Ends one session: its run continues, and may begin another one. */
  async endSession(record: SessionRecord, reason: string): Promise<void> {
    const { runId, name } = record, fault = new AgentFault(`its session was ended: ${reason}`);
    await Promise.all([this.#prompts.endRun(runId, fault, name), this.#sessions.end(runId, fault, name)]);
    this.#writer.endOne(runId, record.id, reason);
  }

  /** Sends no more prompts. Resolves when the agents have answered, and their artifacts have been looked for. */
  drain(): Promise<void> {
    return this.#prompts.drain();
  }

  /** Ends everything in progress. The next daemon continues the sessions. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const fault = new AgentFault("the daemon stops");
    await Promise.all([this.#prompts.endAll(fault), this.#sessions.end(null, fault), ...this.#endings]);
  }

  async #answer(
    origin: PromptOrigin,
    ask: PromptAsk,
    definition: AgentDefinition,
    key: string,
    signal: AbortSignal,
  ): Promise<PromptAnswer> {
    const cwd = await this.#findFolder(ask.cwd);
    signal.throwIfAborted();
    const session = this.#sessions.find(origin, ask, definition, cwd);
    const before = session.tail, over = Promise.withResolvers<void>();
    session.tail = over.promise;
    try {
      await before;
      // Only now: a prompt that was given up for this one may have been answered nevertheless.
      if (session.answered?.key === key) return session.answered.answer;
      if (isLost(session)) return await givenUp(signal);
      await this.#budgets.admit(session.record, definition, signal);
      const release = await this.#slots.take(definition.name, definition.maxSessions, signal);
      try {
        const answer = await this.#prompts.atWork(signal, () => this.#ask(session, origin, ask, key, signal));
        session.answered = { key, answer };
        return answer;
      } finally {
        release();
      }
    } finally {
      over.resolve();
    }
  }

  async #ask(
    session: OpenSession,
    origin: PromptOrigin,
    ask: PromptAsk,
    key: string,
    signal: AbortSignal,
  ): Promise<PromptAnswer> {
    const { runId, role } = origin, { phase, attempt, expectedArtifact: path, expectedSchema, instructions } = ask;
    const { id, cwd } = session.record,
      file = path === null ? null : join(cwd, path),
      check = readSchema(expectedSchema);
    if (file !== null && this.#expected.has(file)) {
      throw new AgentFault(`another prompt that is under way expects ${file}, too`);
    }
    if (file !== null) this.#expected.add(file);
    const about = { promptId: key, agent: session.definition.name, role, phase, attempt };
    try {
      const before = path === null ? null : await markArtifact(cwd, path);
      const envelope: PromptEnvelope = {
        ...{ uuid: crypto.randomUUID(), runId, role, phase, attempt, expectedArtifact: file, expectedSchema },
        ...{ dedupKey: key, instructions: this.#tellPast(session) + instructions },
      };
      const text = await this.#converse(session, envelope, about, signal);
      const answer = { ok: true, promptId: key, sessionId: id, text } as const;
      if (path === null) return { ...answer, artifact: null };
      this.#writer.tell(session.record, "artifact.expected", { ...about, path, schema: expectedSchema.name });
      await this.#ports.durable();
      const found = await findArtifact({ cwd, path, before, clock: this.#ports.clock, signal });
      return { ...answer, artifact: this.#judge(session, found, check, { ...about, path }) };
    } catch (thrown) {
      const failed = { ...about, reason: messageOf(thrown) }, type = "session.prompt_failed", { record } = session;
      if (isLost(session)) throw thrown;
      if (record.state !== "BUSY") this.#writer.tell(record, type, failed);
      else session.record = this.#writer.move(record, "READY", type, failed, session.open?.conversation);
      throw thrown;
    } finally {
      if (file !== null) this.#expected.delete(file);
    }
  }

  /** Returns the agent's answer. If its program dies, continues the conversation and sends the prompt again. */
  async #converse(
    session: OpenSession,
    envelope: PromptEnvelope,
    about: JsonObject,
    signal: AbortSignal,
  ): Promise<string> {
    const { clock } = this.#ports, { definition } = session;
    for (let sends = 1;; sends++) {
      const lost = await this.#sessions.resume(session, signal), { open } = session;
      if (lost !== null || open === null) return await this.#wait(session, signal);
      session.record = this.#writer.move(session.record, "BUSY", "session.prompted", about, open.conversation);
      const began = clock.monotonic();
      const usage = () => ({ tokens: 0, cost: 0, ...open.usage, timeMs: Math.round(clock.monotonic() - began) });
      const unwatch = this.#budgets.watch(session.record, definition, usage);
      try {
        const text = await open.prompt(envelope, signal), used = usage(), guessed = open.guesses === true;
        const answer = { ...about, chars: text.length, usage: { ...used }, ...guessed && { guessed } };
        this.#budgets.note(session.record, used);
        session.record = this.#writer.move(session.record, "READY", "session.answered", answer, open.conversation);
        return text;
      } catch (thrown) {
        const used = usage();
        this.#writer.tell(session.record, "session.used", { agent: definition.name, usage: { ...used } });
        this.#budgets.note(session.record, used);
        if (signal.aborted || !(thrown instanceof AgentFault) || !thrown.lost) throw thrown;
        if (sends < promptSendsMax) continue;
        await this.#sessions.lose(session, `its program has died ${sends} times over one prompt: ${thrown.message}`);
        return await this.#wait(session, signal);
      } finally {
        unwatch();
      }
    }
  }

  /** Waits for a person, who decides about the session. */
  async #wait({ record: { runId } }: OpenSession, signal: AbortSignal): Promise<never> {
    this.#ports.onLost(runId);
    return await givenUp(signal);
  }

  /** The earlier messages, for a session that replaces a lost one; otherwise empty. */
  #tellPast({ record: { runId, name, state } }: OpenSession): string {
    const isNew = state === "CREATED" && this.#ports.sessions.isReplaced(runId, name);
    return isNew ? formatThread(this.#ports.thread(runId)) : "";
  }

  #judge({ record }: OpenSession, found: ArtifactFound, check: Check, about: JsonObject): ArtifactFound {
    const fault = "fault" in found ? found.fault : check(found.value);
    const type = fault === null ? "artifact.taken" : "artifact.refused";
    this.#writer.tell(record, type, { ...about, ...fault !== null && { reason: fault } });
    return fault === null ? found : { fault };
  }

  /** The folder itself, without links: the agent's programs see that path. */
  async #findFolder(cwd: string): Promise<string> {
    const path = resolve(this.#ports.workspace, cwd);
    try {
      const real = await Deno.realPath(path);
      if ((await Deno.stat(real)).isDirectory) return real;
    } catch (thrown) {
      throw new AgentFault(`the folder ${path} cannot be used: ${describeSystemError(thrown)}`);
    }
    throw new AgentFault(`${path} is not a folder`);
  }
}

function toKey({ runId, round }: PromptOrigin, { attempt }: PromptAsk): string {
  return `${runId}:${round}:${attempt}`;
}

function readSchema(schema: PromptAsk["expectedSchema"]): Check {
  try {
    return compileSchema(schema);
  } catch (thrown) {
    throw new AgentFault(`the schema of its artifact cannot be used: ${messageOf(thrown)}`);
  }
}
