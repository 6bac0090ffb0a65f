/** `nerve sense pause NAME` and `nerve sense resume NAME`: pause and resume a sense in the running daemon. */
import type { ControlClient } from "../../control/client/client.ts";
import type { PauseSenseReply } from "../../protocol/sense_pause.ts";
import { explainUnknownUnit } from "../daemon/unknown_unit_hint.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, formatDistance, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export function sensePause(
  io: CliIo,
  flags: Flags & { readonly for?: number | undefined; readonly reason?: string | undefined },
  name: string,
): Promise<number> {
  const forMs = flags.for === undefined ? {} : { forMs: flags.for };
  const reason = flags.reason === undefined ? {} : { reason: flags.reason };
  return ask(io, flags, name, (client) => client.pauses.pause(name, { ...forMs, ...reason }), ({ changed, paused }) => {
    const until = paused?.until ?? null;
    const end = until === null ? "until you resume it" : `until ${formatDistance(until, io.clock.now())}`;
    return `${sign.asleep} ${name} is paused${changed ? "" : ", as it was,"} ${end}`;
  });
}

/** Resuming a sense that was not paused is not a failure. */
export function senseResume(io: CliIo, flags: Flags, name: string): Promise<number> {
  return ask(io, flags, name, (client) => client.pauses.resume(name), ({ changed }) => {
    return changed ? `${sign.live} ${name} goes on` : `${sign.ok} ${name} was not paused`;
  });
}

async function ask(
  io: CliIo,
  flags: Flags,
  name: string,
  send: (client: ControlClient) => Promise<PauseSenseReply>,
  describe: (reply: PauseSenseReply) => string,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const reply = await explainUnknownUnit(paths, "senses", name, () => send(client));
  if (flags.json) printJson(io, reply);
  else print(io, clip(describe(reply), 300));
  return exit.ok;
}
