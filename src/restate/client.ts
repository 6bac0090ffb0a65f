/**
 * Requests to a Restate server: to keep a run, and to find out or change which daemon serves which part. Used by
 * restate_engine.ts, follower.ts and journal.ts.
 * Every failure shows whether the server is away, or is not what nerve.yaml describes.
 */
import { engineAnswerMs, restateVersionMin } from "../base/engine_limits.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";
import type { EngineDefinition } from "../protocol/engine.ts";

/** An address that serves services, as the server knows it. */
export interface Deployment {
  readonly id: string;
  readonly uri: string;
  readonly services: readonly { readonly name: string; readonly revision: number }[];
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class RestateClient {
  readonly #engine: EngineDefinition;
  readonly #clock: Clock;
  /** Addresses that answered last time. */
  readonly #good = new Set<string>();

  constructor(engine: EngineDefinition, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** The server's version. */
  async version(): Promise<string> {
    const { admin, ingress, name } = this.#engine, { status, body } = await this.#ask(admin, "GET", "/version");
    const version = isObject(body) && typeof body.version === "string" ? body.version : null;
    if (status !== 200 || version === null || !("min_admin_api_version" in Object(body))) {
      throw this.#toWrong(
        `what answers at ${admin.join(", ")} is not the admin port of Restate`,
        `engines.${name}.admin`,
        "9070",
      );
    }
    if (!isAtLeast(version, restateVersionMin)) {
      throw new NerveError("ENGINE_WRONG", `engine ${name} is Restate ${version}, and too old`, {
        hint: `install Restate ${restateVersionMin} or later`,
      });
    }
    const health = await this.#ask(ingress, "GET", "/restate/health");
    if (health.status === 200) return version;
    throw this.#toWrong(
      `what answers at ${ingress.join(", ")} is not the ingress of Restate`,
      `engines.${name}.ingress`,
      "8080",
    );
  }

  /** Resolves when the server keeps the run. False: it already had a run of that id. */
  async submit(service: string, runId: string, input: unknown): Promise<boolean> {
    const path = `/${service}/${encodeURIComponent(runId)}/run/send`;
    const { status, body } = await this.#ask(this.#engine.ingress, "POST", path, input);
    if (status === 200 || status === 202) return !(isObject(body) && body.status === "PreviouslyAccepted");
    const { name } = this.#engine;
    if (status === 404) {
      throw new NerveError("ENGINE_WRONG", `engine ${name} knows no service ${service}: no daemon is registered`, {
        hint: `nerve engine register ${name}`,
      });
    }
    throw new NerveError("ENGINE_WRONG", `engine ${name} refused run ${runId}: ${describe(status, body)}`, {
      hint: `nerve engine status ${name}`,
    });
  }

  async deployments(): Promise<Deployment[]> {
    const body = await this.#admin("GET", "/deployments");
    const list = isObject(body) && Array.isArray(body.deployments) ? body.deployments : [];
    return list.flatMap((each: unknown) => {
      if (!isObject(each) || typeof each.id !== "string" || typeof each.uri !== "string") return [];
      const services = Array.isArray(each.services) ? each.services : [];
      return [{ id: each.id, uri: each.uri, services: services.map(Object).map(toService) }];
    });
  }

  /** The rows of a query over the server's own state. */
  async query(query: string, ms?: number): Promise<Readonly<Record<string, unknown>>[]> {
    const body = await this.#admin("POST", "/query", { query }, ms);
    return isObject(body) && Array.isArray(body.rows) ? body.rows.filter(isObject) : [];
  }

  /** Calls a handler of a daemon; null: the call failed. Rejects with ENGINE_AWAY without an answer within `ms`. */
  async call(service: string, handler: string, input: unknown, ms: number): Promise<unknown> {
    const { status, body } = await this.#ask(this.#engine.ingress, "POST", `/${service}/${handler}`, input, ms);
    return status === 200 ? body : null;
  }

  /** Sends new runs of the services behind `uri` there from now on. */
  async add(uri: string): Promise<void> {
    await this.#admin("POST", "/deployments", { uri, force: true });
  }

  /** Moves a deployment to `uri`, with the runs that have begun there. */
  async move(id: string, uri: string): Promise<void> {
    await this.#admin("PATCH", `/deployments/${id}`, { uri });
  }

  async #admin(method: string, path: string, input?: unknown, ms?: number): Promise<unknown> {
    const { admin, name } = this.#engine, { status, body } = await this.#ask(admin, method, path, input, ms);
    if (status >= 200 && status < 300) return body;
    // The daemon's own answer, passed on: the server signed with another key.
    if (/status code '401/.test(describe(status, body))) {
      throw new NerveError(
        "ENGINE_WRONG",
        `engine ${name} signs its requests with a key that nerve.yaml does not name`,
        {
          hint: `write its key into engines.${name}.identity; the server's log names it, publickeyv1_...`,
        },
      );
    }
    throw new NerveError("ENGINE_WRONG", `engine ${name} refused ${method} ${path}: ${describe(status, body)}`, {
      hint: `check that the server reaches ${this.#engine.endpoint}, and that engines.${name}.identity is its key`,
    });
  }

  /** The answer of the first address that gives one. */
  async #ask(
    addresses: readonly string[],
    method: string,
    path: string,
    input?: unknown,
    ms = engineAnswerMs,
  ): Promise<Answer> {
    const faults: string[] = [];
    for (const base of this.#inOrder(addresses)) {
      const answer = await this.#askOne(base, method, path, input, ms);
      if (typeof answer !== "string") {
        this.#good.add(base);
        return answer;
      }
      this.#good.delete(base);
      faults.push(`${base}: ${answer}`);
    }
    throw new NerveError("ENGINE_AWAY", `engine ${this.#engine.name} cannot be reached at ${faults.join("; ")}`, {
      hint: "start its server; runs wait until then, and nothing is lost",
    });
  }

  /** The addresses that answered last time come first. */
  #inOrder(addresses: readonly string[]): string[] {
    return [...addresses].sort((a, b) => Number(this.#good.has(b)) - Number(this.#good.has(a)));
  }

  /** Returns the answer, or why there was none, as text. */
  async #askOne(base: string, method: string, path: string, input: unknown, ms: number): Promise<Answer | string> {
    const late = new AbortController(), cancel = this.#clock.after(ms, () => late.abort());
    const headers = { "content-type": "application/json", "accept": "application/json" };
    const body = input === undefined ? {} : { headers, body: JSON.stringify(input) };
    try {
      const response = await fetch(base + path, { method, signal: late.signal, redirect: "manual", ...body });
      const text = await response.text();
      return { status: response.status, body: parse(text) };
    } catch (thrown) {
      return late.signal.aborted ? `no answer within ${ms / 1000} s` : describeFault(thrown);
    } finally {
      cancel();
    }
  }

  #toWrong(message: string, key: string, port: string): NerveError {
    return new NerveError("ENGINE_WRONG", message, {
      hint: `correct ${key} in nerve.yaml; it is port ${port} by default`,
    });
  }
}

function toService({ name, revision }: Record<string, unknown>): Deployment["services"][number] {
  return { name: String(name), revision: Number(revision) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not an answer of Restate, or an empty one.
    return text;
  }
}

/** The message of `fetch` only reports that it failed; its cause contains the reason. */
function describeFault(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
  return messageOf(cause).replace(/^error sending request for url \([^)]*\): (client error \(\w+\): )?/, "");
}

function describe(status: number, body: unknown): string {
  const message = isObject(body) && typeof body.message === "string" ? body.message : String(body).slice(0, 200);
  return `${status} ${message}`;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isAtLeast(version: string, least: string): boolean {
  const [of, than] = [version, least].map((text) => text.split(/[.+-]/).slice(0, 3).map(Number));
  for (let index = 0; index < 3; index++) {
    const difference = (of?.[index] ?? 0) - (than?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
