/** `nerve sense trigger NAME`: queues a compute in the daemon and, with --wait, prints its outcome. */
import { NerveError, unreachable } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { ControlClient } from "../../control/client/client.ts";
import type { ComputeResult, TriggerReply } from "../../protocol/api.ts";
import { formatPlace } from "../../protocol/signal.ts";
import { explainUnknownUnit } from "../daemon/unknown_unit_hint.ts";
import { type CliIo, exit } from "../io.ts";
import { formatNothing } from "../render/cause_text.ts";
import { clip, formatClockTime, preview, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly wait: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function senseTrigger(io: CliIo, flags: Flags, name: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const stale = await findStaleness(client, name);
  const reply = await explainUnknownUnit(paths, "senses", name, () => client.triggerSense(name, flags.wait));
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

/** Why an older version than the code on disk computes. A user who has just edited the code needs to know. */
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

function formatResult(name: string, result: ComputeResult): string {
  switch (result.kind) {
    case "null":
      if (result.silent !== undefined) return `${sign.idle} ${name} was silent: ${clip(result.silent, 1_000)}`;
      return `${sign.idle} ${name} returned ${
        result.returned === undefined ? "null: no signal" : formatNothing(result.returned)
      }`;
    case "signal":
      return `${sign.signal} ${name} signal ${result.signal.id} ${preview(result.signal.payload, 1_000)}`;
    case "run":
      return `${sign.ok} ${name} started ${result.workflow}: nerve workflow thread ${result.runId}`;
    case "error": {
      const { place, message } = result;
      const where = formatPlace(place);
      return `${sign.failed} ${name} failed: ${clip(message, 1_000)}${clip(where, 300)}`;
    }
    case "timeout":
      return `${sign.failed} ${name} timed out after ${result.afterMs / 1_000} s` +
        (result.killed ? "; its process was killed" : "");
    case "group_down":
      return `${sign.failed} ${name} could not compute: ${clip(result.message, 1_000)}`;
    default:
      return unreachable(result);
  }
}

function succeeded({ kind }: ComputeResult): boolean {
  return kind === "null" || kind === "signal" || kind === "run";
}
