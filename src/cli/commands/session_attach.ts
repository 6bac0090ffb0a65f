/** `nerve session attach ID`: attaches this terminal to that of an agent in tmux, until the user leaves it. */
import { join } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { ifPresent } from "../../base/if_present.ts";
import { checkSocketFolder, followSocketLink } from "../../config/runtime_folder.ts";
import { terminalSocket } from "../../protocol/session.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty } from "../open_records.ts";
import { openWorkspace } from "../workspace.ts";
import { requireSession } from "./session_list.ts";

interface Flags {
  readonly workspace?: string | undefined;
}

export async function sessionAttach(io: CliIo, flags: Flags, id: string): Promise<number> {
  const paths = followSocketLink(await openWorkspace(io, flags.workspace));
  using records = openRecordsOrEmpty(paths);
  requireSession(records, id);
  checkSocketFolder(paths);
  const socket = join(paths.runtimeFolder, terminalSocket(id));
  if (ifPresent(() => Deno.lstatSync(socket))?.isSocket !== true) {
    throw new NerveError("USAGE", `session ${id} has no terminal`, {
      hint: `agents with protocol: terminal have one while their program runs; see nerve session log ${id}`,
    });
  }
  // tmux inherits the streams of this process: the user types into it.
  const child = new Deno.Command("tmux", {
    args: ["-S", socket, "attach-session", "-t", "=agent"],
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).success ? exit.ok : exit.failed;
}
