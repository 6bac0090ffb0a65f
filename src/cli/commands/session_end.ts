/** `nerve session end ID`: ends an agent session in the running daemon. */
import { type CliIo, exit } from "../io.ts";
import { print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly reason?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** Ending a session that has already ended is not a failure. */
export async function sessionEnd(io: CliIo, flags: Flags, id: string): Promise<number> {
  using client = await connect(await openWorkspace(io, flags.workspace));
  const reply = await client.sessions.end(id, flags.reason ?? null);
  if (flags.json) printJson(io, reply);
  else print(io, `${sign.ok} session ${id} ${reply.changed ? "has ended" : "had ended before"}`);
  return exit.ok;
}
