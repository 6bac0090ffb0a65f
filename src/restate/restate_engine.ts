/**
 * A Restate server or cluster as an engine: hands runs over, serves the calls that come back, and keeps this daemon
 * registered. Created by kernel/engine_host.ts; the server calls service.ts.
 * I1. Every failure is retried after `engineLookMs`, and reported once.
 * I2. A daemon that does not answer `engineMissesMax` checks in a row is gone: its parts are taken over.
 */
import { engineLookMs, engineMissesMax, engineNotedMs, enginePassMs, engineProbeMs } from "../base/engine_limits.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { EngineDefinition } from "../protocol/engine.ts";
import type {
  EngineCalls,
  EngineServer,
  EngineState,
  PassedCommand,
  PassedReply,
  RunInput,
  RunSession,
} from "../workflow/cluster/ports.ts";
import { RestateClient } from "./client.ts";
import { alivePath, type Endpoint, serveEndpoint } from "./endpoint.ts";
import { Follower } from "./follower.ts";
import { findKept, readJournal } from "./journal.ts";
import { daemonPath, nameDaemon, namePart, nameParts, partOf } from "./part_names.ts";
import { daemonOf, ownersOf, planParts } from "./part_assignment.ts";
import { MessageAuth, toNoSecret } from "./message_auth.ts";

export class RestateEngine implements EngineServer {
  readonly kind = "restate";
  readonly #engine: EngineDefinition;
  readonly #clock: Clock;
  readonly #reportProblem: (message: string) => void;
  readonly #client: RestateClient;
  readonly #seals: MessageAuth;
  /** Reported refusals, each with the time of its last report. */
  readonly #refused = new Map<string, number>();
  readonly #misses = new Map<string, number>();
  #listening: Promise<Endpoint> | null = null;
  #cancel: CancelTimer = () => {};
  #running = false;
  #looking: Promise<void> | null = null;
  /** The fault that was reported last. */
  #fault: NerveError | null = null;
  #parts = 0;
  /** Restate reads the options of a service at its registration: a new version of nerve may have others. */
  #refreshed = false;
  /** Whether there were other daemons at the last check; initially true: there may have been some before. */
  #followed = true;
  readonly #follower: Follower;

  /** `readSecret`: the value of a variable; null: it is not set. */
  constructor(
    engine: EngineDefinition,
    clock: Clock,
    reportProblem: (message: string) => void,
    readSecret: (variable: string) => string | null,
  ) {
    this.#seals = new MessageAuth(engine, readSecret);
    this.#engine = engine;
    this.#clock = clock;
    this.#reportProblem = reportProblem;
    this.#client = new RestateClient(engine, clock);
    this.#follower = new Follower({
      ...{ client: this.#client, service: engine.service, clock },
      open: (input) => this.#openRun(input),
      report: (thrown) => void this.#reportRefused(thrown),
    });
  }

  get definition(): EngineDefinition {
    return this.#engine;
  }

  get name(): string {
    return this.#engine.name;
  }

  start(calls: EngineCalls): void {
    this.#running = true;
    void this.#run(calls);
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#cancel();
    await this.#looking?.catch(() => {});
    const endpoint = await this.#listening?.catch(() => null);
    this.#listening = null;
    await endpoint?.stop();
  }

  async submit(input: RunInput): Promise<boolean> {
    const { runId } = input.run, service = namePart(this.#engine.service, partOf(runId));
    return await this.#client.submit(service, runId, await this.#seals.seal("run", input));
  }

  async find(runId: string): Promise<RunInput | null> {
    for (const run of await findKept(this.#client, this.#engine.service, [runId])) {
      for await (const entry of readJournal(this.#client, run, 0)) {
        if ("input" in entry) return await this.#openRun(entry.input);
      }
    }
    return null;
  }

  async #openRun(input: unknown): Promise<RunInput> {
    return await this.#seals.open("run", input) as RunInput;
  }

  async pass(command: PassedCommand): Promise<PassedReply> {
    const { service, endpoint } = this.#engine, owners = ownersOf(nameParts(service), await this.#client.deployments());
    const likely = owners[partOf(command.runId)] ?? null,
      all = owners.flatMap((owner) => owner === null ? [] : [owner]);
    const sealed = await this.#seals.seal("command", command);
    const daemons = new Set([...likely === null ? [] : [likely], ...all].map(daemonOf));
    for (const daemon of daemons) {
      if (daemon === endpoint || !await this.#isThere(daemon)) continue;
      if (!this.#seals.hasSecret) throw toNoSecret(this.#engine.name);
      const reply = await this.#client.call(nameDaemon(service, daemon), "command", sealed, enginePassMs);
      if (isReply(reply) && reply.kind !== "elsewhere") return reply;
    }
    return { kind: "elsewhere" };
  }

  async register(): Promise<EngineState> {
    this.#refreshed = false;
    try {
      await this.#look();
      this.#report(null);
    } catch (thrown) {
      this.#report(toFault(thrown));
    }
    return await this.state();
  }

  async state(): Promise<EngineState> {
    const { endpoint } = this.#engine, common = { endpoint, serving: this.#parts > 0, parts: this.#parts };
    try {
      const version = await this.#client.version();
      return { ...common, version, problem: this.#fault?.message ?? null, hint: this.#fault?.hint ?? null };
    } catch (thrown) {
      const { message, hint } = toFault(thrown);
      return { ...common, version: null, problem: message, hint };
    }
  }

  async #run(calls: EngineCalls): Promise<void> {
    try {
      this.#listening ??= this.#serve(calls);
      await this.#listening;
      await this.#look();
      // Follow once more after the last other daemon has gone.
      const followed = this.#others > 0 || this.#followed;
      if (followed) await this.#follower.follow(calls);
      this.#followed = this.#others > 0;
      this.#report(null);
    } catch (thrown) {
      this.#report(toFault(thrown));
    }
    if (this.#running) this.#cancel = this.#clock.after(engineLookMs, () => void this.#run(calls));
  }

  /** Rejects when the address is taken, and is retried at the next check. */
  async #serve(calls: EngineCalls): Promise<Endpoint> {
    const { hostname, port, name } = this.#engine;
    try {
      return await serveEndpoint(this.#engine, {
        open: (input) => this.#openHere(input, calls),
        command: (sealed) => this.#perform(sealed, calls),
      });
    } catch (thrown) {
      this.#listening = null;
      throw new NerveError("ENGINE_WRONG", `cannot listen at ${hostname}:${port}: ${messageOf(thrown)}`, {
        hint: `choose another engines.${name}.listen in nerve.yaml`,
        cause: thrown,
      });
    }
  }

  async #openHere(input: unknown, calls: EngineCalls): Promise<RunSession> {
    let opened: RunInput;
    try {
      opened = await this.#openRun(input);
    } catch (thrown) {
      // The server retries: the run waits until the secret is right.
      throw this.#reportRefused(thrown);
    }
    return await calls.open(opened).catch((thrown) => {
      throw isOfNobody(thrown) ? this.#reportRefused(thrown) : thrown;
    });
  }

  /** Performs a command that another daemon passes on; refuses one from anyone without the secret. */
  async #perform(sealed: unknown, calls: EngineCalls): Promise<PassedReply> {
    try {
      return await calls.command(await this.#seals.open("command", sealed) as PassedCommand);
    } catch (thrown) {
      const { code, message, hint } = this.#reportRefused(thrown);
      return { kind: "refused", code, message, hint };
    }
  }

  #reportRefused(thrown: unknown): NerveError {
    const fault = toFault(thrown), { message, hint } = fault, now = this.#clock.monotonic();
    if (now - (this.#refused.get(message) ?? -Infinity) < engineNotedMs) return fault;
    this.#refused.set(message, now);
    this.#reportProblem(hint === null ? message : `${message}; ${hint}`);
    return fault;
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => this.#looking = null);
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const { endpoint, service } = this.#engine, names = nameParts(service);
    if (!this.#refreshed) await this.#client.version();
    const owners = ownersOf(names, await this.#client.deployments());
    await this.#probe(new Set(owners.flatMap((owner) => owner === null ? [] : [daemonOf(owner)])));
    const isMine = (owner: (typeof owners)[number]) => owner !== null && daemonOf(owner) === endpoint;
    if (!this.#refreshed) {
      await this.#client.add(`${endpoint}${daemonPath}/`);
      for (const owner of owners) if (owner !== null && isMine(owner)) await this.#client.add(owner.uri);
    }
    this.#refreshed = true;
    const steps = planParts(endpoint, owners, (daemon) => (this.#misses.get(daemon) ?? 0) >= engineMissesMax);
    for (const { uri, move } of steps) await (move === null ? this.#client.add(uri) : this.#client.move(move, uri));
    const added = steps.filter(({ part }) => !isMine(owners[part] ?? null)).length;
    this.#parts = owners.filter(isMine).length + added;
  }

  get #others(): number {
    return [...this.#misses.values()].filter((misses) => misses < engineMissesMax).length;
  }

  /** Counts how many times in a row each other daemon did not answer. */
  async #probe(daemons: ReadonlySet<string>): Promise<void> {
    for (const daemon of this.#misses.keys()) if (!daemons.has(daemon)) this.#misses.delete(daemon);
    await Promise.all([...daemons].map(async (daemon) => {
      if (daemon === this.#engine.endpoint) return;
      this.#misses.set(daemon, await this.#isThere(daemon) ? 0 : (this.#misses.get(daemon) ?? 0) + 1);
    }));
  }

  async #isThere(daemon: string): Promise<boolean> {
    const late = new AbortController(), cancel = this.#clock.after(engineProbeMs, () => late.abort());
    try {
      const response = await fetch(daemon + alivePath, { signal: late.signal, redirect: "manual" });
      await response.body?.cancel();
      return response.status === 204;
    } catch {
      // Gone, or too slow: either way it is not there.
      return false;
    } finally {
      cancel();
    }
  }

  #report(fault: NerveError | null): void {
    if (fault?.message === this.#fault?.message) return;
    this.#fault = fault;
    if (fault === null) return;
    this.#reportProblem(`${fault.message}; ${fault.hint ?? "it is tried again"}`);
  }
}

function isOfNobody(thrown: unknown): boolean {
  return thrown instanceof NerveError && thrown.code === "WORKFLOW_UNKNOWN";
}

function isReply(value: unknown): value is PassedReply {
  return typeof value === "object" && value !== null && "kind" in value;
}

function toFault(thrown: unknown): NerveError {
  return thrown instanceof NerveError ? thrown : new NerveError("ENGINE_WRONG", messageOf(thrown), { cause: thrown });
}
