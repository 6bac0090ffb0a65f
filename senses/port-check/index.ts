/** Whether ports accept connections, and how fast. It can start a workflow when a port has just closed. */
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { type Address, parseAddress } from "../../lib/address.ts";
import { namesOfWrong, readProblems, tellEach, type Told } from "../../lib/tell.ts";
import { checks } from "./schema.ts";

export interface PortCheck {
  readonly ok: boolean;
  /** The problems, as sentences that begin with the port's address; empty when `ok`. */
  readonly problems: readonly string[];
  /** In the order of the configuration. */
  readonly ports: readonly Port[];
}

export interface Port {
  readonly address: string;
  readonly open: boolean;
  /** Until the connection was established; null when there was none. */
  readonly latencyMs: number | null;
  readonly problem: string | null;
}

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<PortCheck>> {
  const ports = await Promise.all(settings.ports.map((address) => check(address, settings.timeout, signal)));
  signal.throwIfAborted();
  const wereWrong = namesOfWrong(readProblems(db, checks, checks.address)), ts = new Date();
  db.transaction((tx) => {
    tx.insert(checks).values(ports.map((port) => ({ ts, ...port }))).run();
    prune(tx, checks, checks.ts, settings.keep);
  });
  const things = ports.map(({ address, problem }) => ({ name: address, problem }));
  return tellEach({ ports }, { things, wereWrong, ...settings });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    ports: option.list({ max: 50 }),
    timeout: option.duration("5s"),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  return { ...settings, ports: settings.ports.map((port) => parseAddress(port)) };
}

/** Connects and closes the connection without sending anything. */
async function check({ text: address, host, port }: Address, timeoutMs: number, signal: AbortSignal): Promise<Port> {
  const started = performance.now();
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const connection = await Deno.connect({ hostname: host, port, signal: limit });
    const latencyMs = Math.round(performance.now() - started);
    connection.close();
    return { address, open: true, latencyMs, problem: null };
  } catch (thrown) {
    // A missing permission is a mistake in nerve.yaml, not an outage.
    if (thrown instanceof Deno.errors.NotCapable) throw thrown;
    return { address, open: false, latencyMs: null, problem: reasonOf(thrown) };
  }
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") return "no answer in time";
  return thrown instanceof Error ? thrown.message : String(thrown);
}
