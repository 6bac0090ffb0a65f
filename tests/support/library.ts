/**
 * Runs a sense or workflow of the library as nerve does: copied into a workspace, with the grants of its nerve.yaml, in
 * a process of its own with its restricted worker. This file stands in for the kernel.
 */
import { dirname } from "node:path";
import { parse, stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { readLibraryFiles } from "../../src/cli/scaffold/library.ts";
import { parseNerveConfig } from "../../src/config/parse.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { planUnits } from "../../src/deploy/unit_plans.ts";
import { systemIsolation } from "../../src/process/isolation.ts";
import { UnitProcess } from "../../src/process/unit_process.ts";
import type { FromProcess, ToProcess } from "../../src/protocol/message.ts";
import type { Json } from "../../src/sdk/mod.ts";
import { repository } from "./source_files.ts";
import { within } from "./workspace_fixture.ts";

/** Permissions as in nerve.yaml. */
export type Grants =
  & Partial<Record<"read" | "write" | "net" | "run" | "env" | "sys", readonly string[]>>
  & { readonly unconfined?: true };
export type Config = Record<string, unknown>;
type Kind = "senses" | "workflows";

/** `name` is the class of the thrown error, when the runtime reports it: `NotCapable`, not `Error` or `TypeError`. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}
export type Outcome =
  | { readonly kind: "null" }
  // deno-lint-ignore no-explicit-any -- tests look into whatever a sense returned
  | { readonly kind: "value"; readonly value: any }
  | { readonly kind: "error" } & Failure;

/** The signal, or the directive with its payload, that a compute must have returned. */
// deno-lint-ignore no-explicit-any -- as above
export function valueOf(outcome: Outcome): any {
  if (outcome.kind !== "value") throw new Error(`the compute returned no value: ${JSON.stringify(outcome)}`);
  return outcome.value;
}

export interface TestMessage {
  readonly round: number;
  readonly role: string;
  readonly content: string;
  // deno-lint-ignore no-explicit-any -- as above
  readonly meta: any;
  readonly ts: number;
}
export interface RunOutcome {
  readonly messages: readonly TestMessage[];
  readonly error: Failure | null;
  readonly logs: readonly string[];
}

/** The lines to paste: the one block marked as yaml in the README of a sense or workflow. */
export function pasteBlock(kind: Kind, name: string): Record<string, unknown> {
  const readme = Deno.readTextFileSync(`${repository}/${kind}/${name}/README.md`);
  const blocks = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)];
  if (blocks.length !== 1) throw new Error(`${kind}/${name}/README.md holds ${blocks.length} yaml blocks, not one`);
  return parse(blocks[0]?.[1] ?? "");
}

/** The grants and the config of the README. */
export function documented(kind: Kind, name: string): { permissions?: Grants; config?: Config } {
  const units = pasteBlock(kind, name)[kind] as Record<string, { permissions?: Grants; config?: Config }>;
  const unit = units[name];
  if (unit === undefined) throw new Error(`the yaml block of ${name} has no ${kind}.${name}`);
  return unit;
}

/** One process; `advance` takes its messages, in order. */
class Conversation {
  readonly #process: UnitProcess;
  readonly #messages: FromProcess[] = [];
  readonly #gone: PromiseWithResolvers<void> = Promise.withResolvers();
  #end: string | null = null;
  #wake: () => void = () => {};

  constructor(root: string, kind: Kind, name: string, text: string) {
    const parsed = parseNerveConfig(text);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const paths = workspacePaths(root);
    const key = kind === "senses" ? `group:${name}` : `workflow:${name}`;
    const plan = planUnits(parsed.value.config, paths).find((unit) => unit.key === key);
    if (plan === undefined) throw new Error(`no unit ${key}`);
    const run = `${root}/run`, prepare = () => Deno.mkdirSync(run, { recursive: true, mode: 0o700 });
    const isolation = systemIsolation();
    const where = { socketFolders: [{ path: run, prepare }], workspace: root, tempFolder: null, isolation };
    this.#process = new UnitProcess(plan.spec, plan.request, where, systemClock, {
      onReady: () => {},
      onMessage: (_, message) => {
        this.#messages.push(message);
        this.#wake();
      },
      onOutput: () => {},
      onPrograms: () => {},
      onEnd: (_, end) => {
        this.#end = end.message;
        this.#gone.resolve();
        this.#wake();
      },
      isBusy: () => true,
    });
    this.#process.begin();
  }

  send(message: ToProcess): void {
    this.#process.send(message);
  }

  get outdated(): boolean {
    return this.#process.grantWatch?.isOutdated() ?? false;
  }

  async next(): Promise<FromProcess> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#end !== null) throw new Error(`the process is gone: ${this.#end}`);
      await within(new Promise<void>((resolve) => this.#wake = resolve), "the process to say something");
    }
  }

  async close(): Promise<void> {
    this.#process.stop("the test is over");
    await within(this.#gone.promise, "the process to end");
  }
}

/** A workspace with one sense or workflow. A new `config`, or a granted file that is replaced, means a new process. */
class TestUnit implements AsyncDisposable {
  readonly root: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-library-" }));
  readonly #kind: Kind;
  readonly #name: string;
  readonly #grants: Grants;
  readonly #peers: readonly string[];
  #current: { config: string; conversation: Conversation } | null = null;

  constructor(kind: Kind, name: string, grants: Grants, peers: readonly string[] = []) {
    this.#kind = kind;
    this.#name = name;
    this.#grants = grants;
    this.#peers = peers;
    for (const [path, bytes] of readLibraryFiles(kind, name)) {
      Deno.mkdirSync(dirname(`${this.root}/${path}`), { recursive: true });
      Deno.writeFileSync(`${this.root}/${path}`, bytes);
    }
    Deno.mkdirSync(`${this.root}/data/senses`, { recursive: true });
    Deno.mkdirSync(`${this.root}/data/blobs`);
  }

  async conversation(config: Config): Promise<Conversation> {
    const others = this.#peers.length === 0
      ? {}
      : { senses: Object.fromEntries(this.#peers.map((name) => [name, {}])) };
    const entry = { permissions: this.#grants, config, ...this.#peers.length === 0 ? {} : { peers: [...this.#peers] } };
    const text = stringify({ ...others, [this.#kind]: { [this.#name]: entry } });
    if (this.#current?.config === text && !this.#current.conversation.outdated) return this.#current.conversation;
    await this.#current?.conversation.close();
    const conversation = new Conversation(this.root, this.#kind, this.#name, text);
    this.#current = { config: text, conversation };
    return conversation;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.conversation.close();
    await Deno.remove(this.root, { recursive: true });
  }
}

export class TestSense implements AsyncDisposable {
  readonly #name: string;
  readonly #unit: TestUnit;
  /** `LEVEL MESSAGE` of each `ctx.log`, so far. */
  readonly logs: string[] = [];
  #computes = 0;

  /** `grants` default to those of the README. */
  constructor(name: string, grants: Grants = documented("senses", name).permissions ?? {}) {
    this.#name = name;
    this.#unit = new TestUnit("senses", name, grants);
  }

  get database(): string {
    return `${this.#unit.root}/data/senses/${this.#name}.db`;
  }

  /** `aborted`: the abort follows at once; the sense's module must be loaded by then, or its loading is aborted. */
  async compute(config: Config = {}, { aborted = false }: { aborted?: boolean } = {}): Promise<Outcome> {
    const conversation = await this.#unit.conversation(config);
    const id = ++this.#computes;
    const trigger = { kind: "manual", causeId: null, coalesced: 0 } as const;
    conversation.send({
      t: "compute",
      id,
      sense: this.#name,
      trigger,
      signals: [],
      deliveries: [],
      key: null,
      taken: null,
    });
    if (aborted) conversation.send({ t: "abort", id, reason: "the test says so" });
    for (;;) {
      const received = await conversation.next();
      if (received.t === "log") this.logs.push(`${received.level} ${received.message}`);
      if (received.t !== "outcome" || received.id !== id) continue;
      const { outcome } = received;
      return outcome.kind === "error" ? { kind: "error", ...failure(outcome.message) } : outcome;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#unit[Symbol.asyncDispose]();
  }
}

/** A sense that returns only news, as `always: false` requests. */
export class QuietSense extends TestSense {
  override compute(config: Config = {}, options: { aborted?: boolean } = {}): Promise<Outcome> {
    return super.compute({ always: false, ...config }, options);
  }
}

export interface RunRequest {
  readonly config: Config;
  readonly prompt?: string;
  readonly payload?: Json;
  readonly runId?: string;
  /** The messages that are on disk when the run is resumed. */
  readonly messages?: readonly TestMessage[];
  /** The run is aborted when it resolves. */
  readonly abortOn?: Promise<unknown>;
}

export class TestWorkflow implements AsyncDisposable {
  readonly #name: string;
  readonly #unit: TestUnit;

  /** `peers`: senses whose databases it reads; each must exist, and be open, in `data/senses/` before the first run. */
  constructor(name: string, grants: Grants, peers: readonly string[] = []) {
    this.#name = name;
    this.#unit = new TestUnit("workflows", name, grants, peers);
  }

  /** The workspace. */
  get root(): string {
    return this.#unit.root;
  }

  async run({ config, prompt = "", payload = null, runId = "run-1", ...rest }: RunRequest): Promise<RunOutcome> {
    const conversation = await this.#unit.conversation(config);
    const messages = [...rest.messages ?? []], logs: string[] = [], attempt = 1;
    const start = {
      runId,
      workflow: this.#name,
      prompt,
      payload,
      maxRounds: 100,
      trigger: { kind: "manual" as const },
    };
    conversation.send({ t: "run", start, attempt, rounds: messages.length, accepted: 0, failures: 0 });
    for (const message of messages) conversation.send({ t: "thread", runId, attempt, message });
    rest.abortOn?.then(() => conversation.send({ t: "abort_run", runId, attempt, reason: "the test says so" }));
    for (;;) {
      const received = await conversation.next();
      if (received.t === "log") logs.push(`${received.level} ${received.message}`);
      if (received.t === "message") {
        const message = {
          round: received.round,
          role: received.role,
          content: received.content,
          meta: received.meta,
          ts: 0,
        };
        messages.push(message);
        conversation.send({ t: "ack", runId, attempt, message });
      }
      if (received.t !== "finished" && received.t !== "attempt_failed") continue;
      if (received.t === "attempt_failed") return { messages, logs, error: failure(received.message) };
      return { messages, logs, error: received.outcome.kind === "failed" ? failure(received.outcome.message) : null };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#unit[Symbol.asyncDispose]();
  }
}

function failure(text: string): Failure {
  const message = text.replace(/^role \S+ failed in round \d+: /, "");
  return { name: /^(\w+): /.exec(message)?.[1] ?? "", message };
}
