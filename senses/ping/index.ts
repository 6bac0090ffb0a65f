/**
 * Whether hosts answer to `ping`, how fast, and how many packets are lost on the way. It can start a workflow when a
 * host has just stopped answering.
 */
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { toAsciiName } from "../../lib/address.ts";
import { runToEnd } from "../../lib/program.ts";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { hideUserinfoOfInvalid } from "../../lib/url.ts";
import { type Answers, readAnswers } from "./output.ts";
import { pings } from "./schema.ts";

export interface Ping {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the host; empty when `ok`. */
  readonly problems: readonly string[];
  /** In the order of the configuration. */
  readonly hosts: readonly Host[];
}

export interface Host {
  readonly host: string;
  /** Null when the name was not resolved. */
  readonly address: string | null;
  readonly sent: number;
  /** How many of those sent were answered; duplicates do not count. */
  readonly received: number;
  readonly duplicates: number;
  /** The share of packets that got no answer, 0 to 1; null when nothing could be sent. */
  readonly loss: number | null;
  /** The average; null when nothing came back. */
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

/** The least time between two packets that ping allows every user. */
const pauseSeconds = 0.2;
const atATime = 10;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<Ping>> {
  const hosts: Host[] = [];
  for (let start = 0; start < settings.hosts.length; start += atATime) {
    const some = settings.hosts.slice(start, start + atATime);
    hosts.push(...await Promise.all(some.map((host) => check(host, settings, signal))));
  }
  const wereWrong = namesOfWrong(readProblems(db, pings, pings.host)), ts = new Date();
  db.transaction((tx) => {
    tx.insert(pings).values(hosts.map(({ loss: _, ...host }) => ({ ts, ...host }))).run();
    prune(tx, pings, pings.ts, settings.keep);
  });
  const things = hosts.map(({ host, problem }) => ({ name: host, problem }));
  return tellEach({ hosts }, { things, wereWrong, ...settings });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    hosts: option.list({ max: 50 }),
    family: option.text("any"),
    count: option.number(3, { min: 1, max: 20 }),
    timeout: option.duration("2s"),
    limit: option.duration("15s"),
    max_loss: option.number(0.5, { min: 0, max: 1 }),
    max_latency: option.duration(null),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  for (const host of settings.hosts) {
    const name = toAsciiName(host);
    if (/^[\w.:%-]+$/.test(name) && !name.startsWith("-")) continue;
    throw new TypeError(
      `"${
        hideUserinfoOfInvalid(host).slice(0, 100)
      }" is not a host: write a name or an address, without port or brackets`,
    );
  }
  if (!["any", "4", "6"].includes(settings.family)) {
    throw new TypeError(`config.family must be "any", "4" or "6", not "${settings.family}"`);
  }
  return settings;
}

async function check(host: string, settings: Settings, signal: AbortSignal): Promise<Host> {
  const { count, timeout, family, limit } = settings;
  const args = [
    ...family === "any" ? [] : [`-${family}`],
    // Numeric output, as looking up names takes time; whole seconds, as older versions take no others.
    ...[
      "-n",
      "-c",
      `${count}`,
      "-i",
      `${pauseSeconds}`,
      "-W",
      `${Math.max(1, Math.ceil(timeout / 1_000))}`,
      "--",
      toAsciiName(host),
    ],
  ];
  // English messages and a dot in numbers.
  const program = { name: "ping", args, env: { LC_ALL: "C.UTF-8" } };
  try {
    const answers = readAnswers(
      toAsciiName(host),
      await runToEnd(program, AbortSignal.any([signal, AbortSignal.timeout(limit)])),
    );
    return toHost(host, answers, findProblem(answers, settings));
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof DOMException && thrown.name === "TimeoutError")) throw thrown;
    const none = { address: null, sent: 0, received: 0, duplicates: 0, latencyMs: null };
    return toHost(host, none, `nothing within ${limit / 1_000} s: a nameserver may not answer`);
  }
}

function toHost(
  host: string,
  { address, sent, received, duplicates, latencyMs }: Omit<Answers, "reason">,
  problem: string | null,
): Host {
  const loss = sent === 0 ? null : Math.round((1 - received / sent) * 10_000) / 10_000;
  return { host, address, sent, received, duplicates, loss, latencyMs, problem };
}

function findProblem(
  { sent, received, latencyMs, reason }: Answers,
  { max_loss, max_latency }: Settings,
): string | null {
  if (sent === 0) return `nothing could be sent: ${reason}`;
  if (received === 0) return reason === null ? "no answer" : `no answer: ${reason}`;
  if (1 - received / sent > max_loss) return `${received} of ${sent} answered`;
  return latencyMs !== null && max_latency !== null && latencyMs > max_latency
    ? `answered after ${latencyMs} ms, more than ${max_latency} ms`
    : null;
}
