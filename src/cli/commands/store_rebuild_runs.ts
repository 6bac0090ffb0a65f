/** `nerve store rebuild-runs`: makes the table of runs again out of the log and its archive, with the workspace to itself. */
import { withStore, withWorkspaceLock } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function storeRebuildRuns(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const rebuilt = await withWorkspaceLock(
    paths,
    "the daemon holds runs in memory: nerve stop, then again",
    () => withStore(io, paths, (store) => store.rebuildRuns(paths.archive)),
  );
  if (flags.json) printJson(io, rebuilt);
  else {
    print(io, `${sign.ok} ${plural(rebuilt.runs, "run")} made again out of the log and its archive`);
    if (rebuilt.skipped > 0) {
      print(
        io,
        dim(
          io,
          `   ${
            plural(rebuilt.skipped, "row")
          } of runs of which no first row was found, or that fit none; those stay as they are`,
        ),
      );
    }
  }
  return exit.ok;
}
