/** `nerve sense reset NAME` and `nerve workflow reset NAME`: lift the quarantine of a process that keeps dying. */
import type { ControlClient } from "../../control/client/client.ts";
import type { ResetReply } from "../../protocol/api.ts";
import { type CliIo, exit } from "../io.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export function senseReset(io: CliIo, flags: Flags, name: string): Promise<number> {
  return reset(io, flags, name, (client) => client.resetSense(name));
}

export function workflowReset(io: CliIo, flags: Flags, name: string): Promise<number> {
  return reset(io, flags, name, (client) => client.resetWorkflow(name));
}

/** Having no quarantine to lift is not a failure. */
async function reset(
  io: CliIo,
  flags: Flags,
  name: string,
  ask: (client: ControlClient) => Promise<ResetReply>,
): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const reply = await ask(client);
  if (flags.json) printJson(io, reply);
  else print(io, reply.lifted ? `${sign.live} ${name} may run again` : `${sign.ok} ${name} was not quarantined`);
  return exit.ok;
}
