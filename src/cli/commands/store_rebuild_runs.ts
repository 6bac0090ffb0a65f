/**
 * `nerve store rebuild-runs`: rebuilds the table of runs from the log and its archive. Needs exclusive use of the
 * workspace.
 */
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
    "the daemon holds runs in memory: nerve stop, then try again",
    () => withStore(io, paths, (store) => store.rebuildRuns(paths.archive)),
  );
  if (flags.json) printJson(io, rebuilt);
  else {
    print(io, `${sign.ok} ${plural(rebuilt.runs, "run")} rebuilt from the log and its archive`);
    if (rebuilt.skipped > 0) {
      print(
        io,
        dim(
          io,
          `   ${
            plural(rebuilt.skipped, "row")
          } skipped: of runs without a first row, which were not changed, or of no run`,
        ),
      );
    }
  }
  return exit.ok;
}
