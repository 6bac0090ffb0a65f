/** `nerve sense trigger NAME`: queues a compute in the daemon and, with --wait, prints its outcome. */
import { resolve } from "node:path";
import { messageOf, NerveError, unreachable } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { ControlClient } from "../../control/client/client.ts";
import type { ComputeResult, TriggerReply } from "../../protocol/api.ts";
import { type HandedSignal, handedSignalsSchema } from "../../protocol/signal.ts";
import { explainUnknownUnit } from "../daemon/unknown_unit_hint.ts";
import { type CliIo, exit } from "../io.ts";
import { formatResult } from "../render/compute_text.ts";
import { clip, formatClockTime, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly wait: boolean;
  readonly dry: boolean;
  readonly trigger?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function senseTrigger(io: CliIo, flags: Flags, name: string): Promise<number> {
  const signals = flags.trigger === undefined ? [] : await readSignals(io, flags.trigger);
  if (flags.dry) return await (await import("./sense_dry.ts")).senseDry(io, flags, name, signals);
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const stale = await findStaleness(client, name);
  const reply = await explainUnknownUnit(paths, "senses", name, () => client.triggerSense(name, flags.wait, signals));
  if (flags.wait && reply.outcome === null) {
    throw new NerveError("DAEMON_MISSING", `the daemon stopped before ${name} had computed`, { hint: "nerve start" });
  }
  if (flags.json) printJson(io, reply);
  else print(io, reply.outcome === null ? formatAccepted(name, reply) : formatResult(name, reply.outcome));
  const { outcome } = reply;
  if (outcome?.kind === "signal" && outcome.warning !== undefined) {
    io.stderr.write(`${sign.warning} ${toPrintable(`${name}: ${clip(outcome.warning, 1_000)}`)}\n`);
  }
  if (stale !== null) io.stderr.write(`${sign.warning} ${toPrintable(`${name}: ${clip(stale, 1_000)}`)}\n`);
  return reply.outcome === null || succeeded(reply.outcome) ? exit.ok : exit.failed;
}

/** The signals in a file: one of them, or a list. Throws PAYLOAD_INVALID. */
async function readSignals(io: CliIo, file: string): Promise<HandedSignal[]> {
  const invalid = (why: string) =>
    new NerveError("PAYLOAD_INVALID", `${file} ${why}`, {
      hint: 'write {"sense": "disk-usage", "payload": {"used": 0.95}}, or a list of such signals',
    });
  try {
    const json: unknown = JSON.parse(await Deno.readTextFile(resolve(io.cwd, file)));
    const parsed = handedSignalsSchema.safeParse(Array.isArray(json) ? json : [json]);
    if (parsed.success) return parsed.data;
    const [first] = parsed.error.issues;
    throw invalid(`is not a signal: ${first?.path.join(".")}: ${first?.message}`);
  } catch (thrown) {
    if (thrown instanceof NerveError) throw thrown;
    throw invalid(
      thrown instanceof SyntaxError ? `is not JSON: ${thrown.message}` : `cannot be read: ${messageOf(thrown)}`,
    );
  }
}

/** Why a version older than the code on disk computes. A user who has just edited the code needs to know. */
async function findStaleness(client: ControlClient, name: string): Promise<string | null> {
  const problem = (await client.senses()).find((sense) => sense.name === name)?.problem ?? null;
  return problem?.startsWith("still on the previous version") ? problem : null;
}

function formatAccepted(name: string, { computeId, how, until }: TriggerReply): string {
  const compute = computeId === null ? "a compute" : `compute ${computeId}`;
  switch (how) {
    case "started":
      return `${sign.ok} ${name}: ${compute} has started`;
    case "throttled":
      return `⏳ ${name}: ${compute} is throttled${until === null ? "" : ` until ${formatClockTime(until)}`}`;
    case "coalesced":
      return `⏳ ${name}: ${compute} answers this trigger too`;
    default:
      return unreachable(how);
  }
}

function succeeded({ kind }: ComputeResult): boolean {
  return kind === "null" || kind === "signal" || kind === "run";
}
