/**
 * Finds containers of Docker or Podman that have a problem. It can start a workflow when something has just gone wrong.
 */
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { findRestarts, type LastSeen, readLastSeen } from "../../lib/restarts.ts";
import { tellEach, type Told } from "../../lib/tell.ts";
import { toFilter, toMatcher } from "../../lib/wildcard.ts";
import { type Container, readContainers } from "./engine.ts";
import { checks, containers as rows } from "./schema.ts";

export interface Containers {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the container's name; empty when `ok`. */
  readonly problems: readonly string[];
  /** How many containers were checked. */
  readonly count: number;
  /** By name; at most 200, those with a problem first. */
  readonly containers: readonly ContainerState[];
}

export interface ContainerState {
  readonly name: string;
  readonly image: string;
  /** `running`, `exited` and so on; `missing` for a container that is named and does not exist. */
  readonly state: string;
  /** `healthy`, `unhealthy` or `starting`; null for one without a health check, and while it does not run. */
  readonly health: string | null;
  /** Null while it runs, and before it ran. */
  readonly exitCode: number | null;
  /** How often the engine has restarted it automatically since it was last started by hand. */
  readonly restarts: number;
  readonly problem: string | null;
}

const toldMax = 200;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<Containers>> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(settings.timeout)]);
  const all = await readInTime(settings, limit, signal);
  const found = all.filter((container) => settings.counts([container.name]));
  const last = readLastSeen(db, checks, rows, rows.name), ts = new Date();
  const missing = settings.wanted.filter(({ matches }) => !found.some(({ name }) => matches([name])));
  const states: ContainerState[] = [
    ...found.map((container) => toState(container, findProblem(container, settings, last, ts))),
    ...missing.map(({ text }) => ({
      ...{ name: text, image: "", state: "missing", health: null, exitCode: null, restarts: 0 },
      problem: "there is no such container",
    })),
  ];
  const things = states.map(({ name, problem }) => ({ name, problem }));
  db.transaction((tx) => {
    tx.insert(checks).values({
      ts,
      count: found.length,
      problems: things.filter(({ problem }) => problem !== null).length,
    }).run();
    for (const { image: _, ...state } of states) tx.insert(rows).values({ ts, ...state }).run();
    prune(tx, checks, checks.ts, settings.keep);
    prune(tx, rows, rows.ts, settings.keep);
  });
  const told = [...states].sort((a, b) => Number(a.problem === null) - Number(b.problem === null)).slice(0, toldMax);
  return tellEach({ count: found.length, containers: told }, { things, wereWrong: last.wrong, ...settings });
}

async function readInTime(settings: Settings, limit: AbortSignal, signal: AbortSignal): Promise<Container[]> {
  try {
    return await readContainers(settings.engine, limit);
  } catch (thrown) {
    signal.throwIfAborted();
    if (!limit.aborted) throw thrown;
    throw new Error(`${settings.engine} does not answer in time`, { cause: thrown });
  }
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { containers, ignore, ...settings } = readConfig(config, {
    engine: option.text("/run/docker.sock"),
    containers: option.list({ fallback: [], max: 100 }),
    ignore: option.list({ fallback: [], max: 100 }),
    timeout: option.duration("10s"),
    fine_codes: option.list({ fallback: ["130", "143"], max: 20 }),
    max_age: option.duration("24h"),
    max_restarts: option.number(3, { min: 1 }),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("7d"),
  });
  if (!/^(?:\/|https?:\/\/[^@]+$)/.test(settings.engine)) {
    throw new TypeError(`config.engine must be the path of a socket, or an http: address without a password`);
  }
  const wanted = containers.map((text) => ({ text, matches: toMatcher(text) }));
  return { ...settings, wanted, counts: toFilter(containers, ignore) };
}

function toState(
  { name, image, state, health, exitCode, restarts }: Container,
  problem: string | null,
): ContainerState {
  return { name, image, state, health: state === "running" ? health : null, exitCode, restarts, problem };
}

function findProblem(container: Container, settings: Settings, last: LastSeen, ts: Date): string | null {
  const isNamed = settings.wanted.length > 0;
  return findEnd(container, settings, isNamed, ts) ?? findHealth(container) ??
    findRestarts(container, settings.max_restarts, last);
}

function findEnd(
  { state, exitCode, outOfMemory, error, finishedAt }: Container,
  settings: Settings,
  isNamed: boolean,
  ts: Date,
) {
  const why = `${exitCode ?? "none"}${outOfMemory ? ", out of memory" : ""}`;
  if (state === "running") return null;
  if (state === "restarting") return `ends again and again, with code ${why}`;
  if (state === "dead") return "could not be removed (dead)";
  if (state === "paused") return isNamed ? "is paused" : null;
  if (finishedAt === null) {
    // It never ran: the engine reports why, such as a port that is taken.
    if (error !== "") return `could not be started: ${error.slice(0, 200)}`;
    return isNamed ? `does not run (${state})` : null;
  }
  const isFine = exitCode === 0 || settings.fine_codes.includes(`${exitCode}`);
  if (isNamed) return `has ended with code ${why}`;
  const isOld = ts.getTime() - finishedAt.getTime() > settings.max_age;
  return isFine || isOld ? null : `has ended with code ${why}`;
}

/** The health of a container that does not run is from its last run, so it does not count. */
function findHealth({ state, health }: Container): string | null {
  return state === "running" && health === "unhealthy" ? "is unhealthy" : null;
}
