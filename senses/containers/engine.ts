/**
 * Queries a container engine through Docker's API, which Podman offers as well: over its socket, or over TCP to a proxy
 * in front of it. Used by index.ts.
 */
import { readBody } from "../../lib/fetch.ts";

export interface Container {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`; Podman has more. */
  readonly state: string;
  readonly health: string | null;
  /** Null while it runs, and before it ran. */
  readonly exitCode: number | null;
  readonly outOfMemory: boolean;
  /** Why the engine could not start it; empty where it could. */
  readonly error: string;
  readonly restarts: number;
  /** Null while it runs, and before it ran. */
  readonly finishedAt: Date | null;
}

const atATime = 8, containersMax = 500;

/** Returns all containers, also those that do not run. `engine` is the path of a socket or an http: address. */
export async function readContainers(engine: string, signal: AbortSignal): Promise<Container[]> {
  const isSocket = engine.startsWith("/");
  // Deno requires a grant for this name, too; over a socket it is never looked up.
  const base = isSocket ? "http://docker" : engine.replace(/\/+$/, "");
  using client = isSocket
    ? Deno.createHttpClient({ proxy: { transport: "unix", path: engine } })
    : Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const get = (path: string) => ask(engine, `${base}${path}`, client, signal);
  const list = await get("/containers/json?all=true");
  if (!Array.isArray(list)) throw new Error(`${engine} does not speak the API of Docker`);
  const ids = list.slice(0, containersMax).map((each) => String(Object(each).Id));
  const found: Container[] = [];
  for (let start = 0; start < ids.length; start += atATime) {
    const some = await Promise.all(ids.slice(start, start + atATime).map((id) => get(`/containers/${id}/json`)));
    // A container that was removed after it was listed is left out.
    found.push(...some.filter((each) => each !== null).map(toContainer));
  }
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Null when the engine does not find it. */
async function ask(engine: string, url: string, client: Deno.HttpClient, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { client, signal, redirect: "error", headers: { accept: "application/json" } });
  } catch (thrown) {
    signal.throwIfAborted();
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    const reason = `${cause instanceof Error ? cause.message : cause}`.replace(/^error sending request.*?\): /, "");
    throw new Error(`${engine} does not answer: ${reason}`);
  }
  const text = new TextDecoder().decode(await readAnswer(engine, response, signal));
  if (response.status === 404 && /\/containers\/\w+\/json$/.test(url)) return null;
  if (!response.ok) throw new Error(`${engine} answers with status ${response.status}: ${text.trim().slice(0, 200)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${engine} does not speak the API of Docker: it answers ${JSON.stringify(text.slice(0, 100))}`);
  }
}

/** Enough for 500 containers with many ports and labels each. */
const answerMaxBytes = 16 * 2 ** 20;

async function readAnswer(engine: string, response: Response, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readBody(response, answerMaxBytes);
  } catch (thrown) {
    signal.throwIfAborted();
    throw new Error(`${engine} gives no answer that can be used: ${thrown instanceof Error ? thrown.message : thrown}`);
  }
}

function toContainer(value: unknown): Container {
  const { Id: id, Name: name, Config: config, State: state, RestartCount: restarts } = Object(value);
  const { Status: status, ExitCode: code, OOMKilled: outOfMemory, Error: error, FinishedAt: finished } = Object(state);
  // Podman's State.Health exists without a health check, too, but is empty; earlier versions call it Healthcheck.
  const health = Object(Object(state).Health ?? Object(state).Healthcheck).Status;
  const finishedAt = new Date(typeof finished === "string" ? finished : NaN),
    runs = status === "running" || status === "paused";
  // A container that never ended has the year 1.
  const hasEnded = !runs && finishedAt.getTime() > 0;
  return {
    id: String(id),
    name: String(name).replace(/^\//, ""),
    image: String(Object(config).Image ?? ""),
    state: String(status),
    health: ["healthy", "unhealthy", "starting"].includes(health) ? health : null,
    exitCode: hasEnded && Number.isInteger(code) ? code : null,
    outOfMemory: outOfMemory === true,
    error: typeof error === "string" ? error.trim() : "",
    restarts: Number.isInteger(restarts) ? restarts : 0,
    finishedAt: hasEnded ? finishedAt : null,
  };
}
