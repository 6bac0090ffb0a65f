/**
 * Whether ports accept connections, and how fast. It emits a signal while one of them does not, and one when all do
 * again. It can start a workflow when a port has just closed.
 */
import { desc, eq } from "drizzle-orm";
import {
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
  type WorkflowDirective,
} from "nerve";
import { type Address, parseAddress } from "../../lib/address.ts";
import { checks } from "./schema.ts";

export interface PortCheck {
  readonly ok: boolean;
  /** What is wrong, as sentences that begin with the port's address; empty when `ok`. */
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

/** The most rounds that the workflow may take. */
const workflowRoundsMax = 20;

export async function compute(
  { db, signal, config }: SenseContext,
): Promise<PortCheck | (PortCheck & { workflow: WorkflowDirective }) | null> {
  const settings = readSettings(config);
  const ports = await Promise.all(settings.ports.map((address) => check(address, settings.timeout, signal)));
  signal.throwIfAborted();
  const wasOpen = new Map(ports.map(({ address }) => [address, wasLastOpen(db, address)]));
  const ts = new Date();
  db.transaction((tx) => {
    tx.insert(checks).values(ports.map((port) => ({ ts, ...port }))).run();
    prune(tx, checks, checks.ts, settings.keep);
  });
  const problems = ports.flatMap(({ address, problem }) => problem === null ? [] : [`${address}: ${problem}`]);
  const result: PortCheck = { ok: problems.length === 0, problems, ports };
  const gone = ports.filter(({ address, open }) => !open && wasOpen.get(address)).map(({ address }) => address);
  if (gone.length > 0 && settings.workflow !== null) {
    const prompt = `${gone.join(", ")} accepts no connection`;
    return { ...result, workflow: { name: settings.workflow, prompt, maxRounds: workflowRoundsMax } };
  }
  const wereAllOpen = [...wasOpen.values()].every((open) => open);
  return result.ok && wereAllOpen && !settings.always ? null : result;
}

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    ports: option.list({ max: 50 }),
    timeout: option.duration("5s"),
    workflow: option.text(null),
    always: option.flag(false),
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

function wasLastOpen(db: SenseDatabase, address: string): boolean {
  const last = db.select({ open: checks.open }).from(checks).where(eq(checks.address, address))
    .orderBy(desc(checks.id)).limit(1).get();
  return last?.open ?? true;
}
