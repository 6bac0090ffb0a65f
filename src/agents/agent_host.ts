/**
 * The host of sessions: takes a prompt for a session of a run, begins the session when it is new, asks the agent, and
 * looks for the artifact. One for each workspace; created by kernel/agents.ts. The protocols stand behind ports.ts.
 * I1. A prompt is known by its key: asked again while it is under way, or answered last in its session, it gets the same
 *     answer, and the agent gets it once.
 * I2. One prompt of a session at a time, and no more of an agent than its `max_sessions`; the others wait in order.
 * I3. `artifact.expected` is on disk before the host looks for the file. Two prompts never expect the same file.
 * I4. A session is on disk before its agent knows of it, with its state and the agent's own id of the conversation: the
 *     next daemon goes on with it.
 * I5. Nothing of a session runs when its run has ended, or when `stop` has resolved.
 */
import { join, resolve } from "node:path";
import { makePrivateFolder } from "../base/make_folder.ts";
import { messageOf } from "../base/errors.ts";
import { describeSystemError } from "../base/os_error.ts";
import { readOwnProcessId } from "../base/process_id.ts";
import { formatProcessMark, formatWork, identifyWorkspace } from "../base/program_mark.ts";
import type {
  AgentDefinition,
  AgentProtocol,
  ArtifactFound,
  PromptAnswer,
  PromptAsk,
  PromptEnvelope,
} from "../protocol/agent.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { LogType } from "../protocol/log.ts";
import type { SessionRecord } from "../protocol/session.ts";
import { acpAdapter } from "./acp_adapter.ts";
import { compileSchema, findArtifact, markArtifact } from "./artifacts.ts";
import { commandAdapter } from "./command_adapter.ts";
import { type AgentAdapter, AgentFault, type AgentSession, type HostPorts } from "./ports.ts";
import { SessionBook } from "./session_book.ts";
import { Slots } from "./slots.ts";

/** The role that asks. */
export interface PromptOrigin {
  readonly runId: string;
  readonly workflow: string;
  readonly round: number;
  readonly role: string;
}

interface Session {
  /** As it is on disk. */
  record: SessionRecord;
  readonly definition: AgentDefinition;
  /** Settles when its last prompt so far is over. */
  tail: Promise<unknown>;
  open: AgentSession | null;
  /** The last prompt that was answered. */
  answered: { readonly key: string; readonly answer: PromptAnswer } | null;
}

interface Prompt {
  readonly runId: string;
  readonly controller: AbortController;
  readonly answer: Promise<PromptAnswer>;
}

const adapters: Readonly<Record<AgentProtocol, AgentAdapter>> = { acp: acpAdapter, command: commandAdapter };
let programs = 0;

export class AgentHost {
  readonly #ports: HostPorts;
  readonly #slots = new Slots();
  readonly #book: SessionBook;
  /** By run and name. */
  readonly #sessions = new Map<string, Session>();
  /** By key. */
  readonly #prompts = new Map<string, Prompt>();
  /** The files that prompts under way expect. */
  readonly #expected = new Set<string>();
  /** The ends of runs that are under way. */
  readonly #endings = new Set<Promise<void>>();
  #stopping = false;

  constructor(ports: HostPorts) {
    this.#ports = ports;
    this.#book = new SessionBook(ports);
  }

  /** Never rejects. A session that goes on stays with the definition with which it began. */
  prompt(origin: PromptOrigin, ask: PromptAsk, definition: AgentDefinition): Promise<PromptAnswer> {
    const key = toKey(origin, ask), underWay = this.#prompts.get(key);
    // One that was given up is not the answer: it is asked anew, once that one has ended.
    if (underWay !== undefined && !underWay.controller.signal.aborted) return underWay.answer;
    if (this.#stopping) return Promise.resolve({ ok: false, message: "the daemon stops" });
    const controller = new AbortController();
    const answer = this.#answer(origin, ask, definition, key, controller.signal).catch((thrown): PromptAnswer => ({
      ok: false,
      message: messageOf(thrown),
    }));
    const prompt = { runId: origin.runId, controller, answer };
    this.#prompts.set(key, prompt);
    void answer.then(() => this.#prompts.get(key) === prompt && this.#prompts.delete(key));
    return answer;
  }

  /** Nobody waits for that answer any more: its program ends. */
  cancel(origin: PromptOrigin, ask: PromptAsk): void {
    this.#prompts.get(toKey(origin, ask))?.controller.abort(new AgentFault("the role has given up"));
  }

  /** The run has ended: so do its sessions, and what they run. */
  async endRun(runId: string, reason: string): Promise<void> {
    const ending = this.#endPrograms(runId, reason).then(() => this.#book.endAll(runId, reason));
    this.#endings.add(ending);
    await ending.finally(() => this.#endings.delete(ending));
  }

  /** Takes no new prompt, and ends those that are under way. Their sessions go on with the next daemon. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const runs = new Set([...this.#sessions.values()].map(({ record }) => record.runId));
    await Promise.all([...runs].map((runId) => this.#endPrograms(runId, "the daemon stops")));
    await Promise.all([...this.#endings, ...[...this.#prompts.values()].map(({ answer }) => answer)]);
  }

  async #endPrograms(runId: string, reason: string): Promise<void> {
    const own = [...this.#prompts.values()].filter((prompt) => prompt.runId === runId);
    for (const { controller } of own) controller.abort(new AgentFault(reason));
    const sessions = [...this.#sessions].filter(([, { record }]) => record.runId === runId);
    for (const [key] of sessions) this.#sessions.delete(key);
    await Promise.all(own.map(({ answer }) => answer));
    await Promise.all(sessions.map(([, session]) => session.tail.then(() => session.open?.end())));
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
    const session = this.#findSession(origin, ask, definition, cwd);
    if (session.answered?.key === key) return session.answered.answer;
    const before = session.tail, over = Promise.withResolvers<void>();
    session.tail = over.promise;
    try {
      await before;
      const release = await this.#slots.take(definition.name, definition.maxSessions, signal);
      try {
        const answer = await this.#ask(session, origin, ask, key, signal);
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
    session: Session,
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
      const before = path === null ? null : await markArtifact(cwd, path), open = await this.#open(session);
      session.record = this.#book.move(session.record, "BUSY", "session.prompted", about);
      const envelope: PromptEnvelope = {
        ...{ uuid: crypto.randomUUID(), runId, role, phase, attempt, expectedArtifact: file, expectedSchema },
        ...{ dedupKey: key, instructions },
      };
      const text = await open.prompt(envelope, signal), told = { ...about, chars: text.length };
      session.record = this.#book.move(session.record, "READY", "session.answered", told, open.conversation);
      if (path === null) return { ok: true, promptId: key, sessionId: id, text, artifact: null };
      this.#log(origin, "artifact.expected", { session: id, ...about, path, schema: expectedSchema.name });
      await this.#ports.durable();
      const found = await findArtifact({ cwd, path, before, clock: this.#ports.clock, signal });
      const artifact = judge(found, check), refused = "fault" in artifact ? artifact.fault : null;
      const type = refused === null ? "artifact.taken" : "artifact.refused";
      this.#log(origin, type, { session: id, ...about, path, ...refused !== null && { reason: refused } });
      return { ok: true, promptId: key, sessionId: id, text, artifact };
    } catch (thrown) {
      const failed = { ...about, reason: messageOf(thrown) }, type = "session.prompt_failed";
      if (session.record.state !== "BUSY") this.#log(origin, type, { session: id, ...failed });
      else session.record = this.#book.move(session.record, "READY", type, failed, session.open?.conversation);
      throw thrown;
    } finally {
      if (file !== null) this.#expected.delete(file);
    }
  }

  /** The folder itself, without links: the agent's programs see that one. */
  async #findFolder(cwd: string): Promise<string> {
    const path = resolve(this.#ports.workspace, cwd);
    try {
      const real = await Deno.realPath(path);
      if ((await Deno.stat(real)).isDirectory) return real;
    } catch (thrown) {
      throw new AgentFault(`the folder ${path} cannot be used: ${describeSystemError(thrown)}`);
    }
    throw new AgentFault(`${path} is no folder`);
  }

  #findSession(origin: PromptOrigin, ask: PromptAsk, definition: AgentDefinition, cwd: string): Session {
    const key = `${origin.runId} ${ask.session}`, known = this.#sessions.get(key);
    const record = known?.record ?? this.#book.findOrCreate(origin, ask.session, definition, cwd);
    const session = known ?? { record, definition, tail: Promise.resolve(), open: null, answered: null };
    if (record.agent !== ask.agent) {
      throw new AgentFault(`the session ${ask.session} of this run is one with ${record.agent}`);
    }
    if (record.cwd !== cwd) throw new AgentFault(`the session ${ask.session} of this run works in ${record.cwd}`);
    this.#sessions.set(key, session);
    return session;
  }

  async #open(session: Session): Promise<AgentSession> {
    if (session.open !== null) return session.open;
    const { definition, record: { id, cwd, conversation, state } } = session;
    const { clock, workspace, homes } = this.#ports, all = this.#ports.variables(), home = join(homes, definition.name);
    for (const folder of [homes, home]) makePrivateFolder(folder);
    const unset = definition.env.find((variable) => all[variable] === undefined);
    if (unset !== undefined) throw new AgentFault(`its variable ${unset} is set nowhere`);
    const own = ["PATH", ...definition.env].flatMap((variable) => {
      const value = all[variable];
      return value === undefined ? [] : [[variable, value] as const];
    });
    const env: Record<string, string> = { ...Object.fromEntries(own), HOME: home };
    const wall = this.#ports.wall(definition, { cwd, home, env }), mark = markSession(workspace, definition.name, id);
    if (wall !== null) makePrivateFolder(env.TMPDIR = join(home, "tmp"));
    const setting = { sessionId: id, definition, cwd, env, mark, wall, clock };
    const open = session.open = await adapters[definition.protocol].open(setting, conversation);
    if (state === "CREATED") session.record = this.#book.move(session.record, "READY", "session.ready", {});
    return open;
  }

  #log({ runId, workflow }: PromptOrigin, type: LogType, payload: JsonObject): void {
    this.#ports.log({ source: `workflow:${workflow}`, type, refId: runId, causeId: null, payload });
  }
}

function toKey({ runId, round }: PromptOrigin, { attempt }: PromptAsk): string {
  return `${runId}:${round}:${attempt}`;
}

function readSchema(schema: PromptAsk["expectedSchema"]): ReturnType<typeof compileSchema> {
  try {
    return compileSchema(schema);
  } catch (thrown) {
    throw new AgentFault(`the schema of its artifact cannot be used: ${messageOf(thrown)}`);
  }
}

function judge(found: ArtifactFound, check: ReturnType<typeof compileSchema>): ArtifactFound {
  if ("fault" in found) return { fault: found.fault };
  const fault = check(found.value);
  return fault === null ? found : { fault };
}

/** Every session has a mark of its own, by which its programs are found. */
function markSession(workspace: string, agent: string, sessionId: string): string {
  const { pid, startTime } = readOwnProcessId(), owner = { pid, startTime: startTime ?? "" };
  const program = { workspace: identifyWorkspace(workspace), owner, process: ++programs, kind: "agent", unit: agent };
  return formatProcessMark(program) + formatWork(0, sessionId);
}
