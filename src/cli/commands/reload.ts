/** `nerve reload`: makes the daemon load nerve.yaml and all code now, and prints what changed. */
import { toPrintable } from "../../base/printable.ts";
import { formatPlace } from "../../protocol/signal_text.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, print, printJson, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const changeSign = { added: sign.live, changed: sign.ok, removed: sign.idle } as const;

/**
 * Exits 1 when nerve.yaml was refused, code does not load, or the permission lock holds something back. All other
 * changes are loaded nevertheless.
 */
export async function reload(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const reply = await client.reload();
  const { configError, changes, replaced, problems } = reply;
  const failed = configError !== null || problems.some(({ about }) => isFault(about));
  const code = failed ? exit.failed : exit.ok;
  if (flags.json) {
    printJson(io, reply);
    return code;
  }
  for (const { of, change } of changes) print(io, `${changeSign[change]} ${of} ${change}`);
  for (const unit of replaced) print(io, `${sign.ok} ${unit}: new work gets a new process`);
  for (const { about, message, place } of problems) {
    const where = formatPlace(place);
    const mark = configError !== null || isFault(about) ? sign.failed : sign.warning;
    print(io, `${mark} ${toPrintable(`${about}: ${clip(message, 1_000)}${where}`)}`);
  }
  if (configError !== null) print(io, "   nerve.yaml was refused; the previous one stays in force");
  else if (!failed && changes.length + replaced.length === 0) print(io, `${sign.ok} nothing has changed`);
  return code;
}

/** Whether something on disk is not in force. Problems of an accepted nerve.yaml are warnings. */
function isFault(about: string): boolean {
  return /^((sense|workflow):|nerve\.permissions\.lock$)/.test(about);
}
