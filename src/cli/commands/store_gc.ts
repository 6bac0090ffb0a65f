/** `nerve store gc`: lists the blobs that nothing references any more; with --yes, removes them. */
import { formatSize } from "../../base/duration.ts";
import { findGarbage, removeGarbage } from "../../store/blobs/blob_gc.ts";
import { type CliIo, exit } from "../io.ts";
import { dim, formatDateTime, plural, print, printJson, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly yes: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const filesShown = 20;

export async function storeGc(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), garbage = findGarbage(paths, io.clock.now());
  const removedBytes = flags.yes ? removeGarbage(garbage) : 0;
  const { files, bytes, kept } = garbage;
  if (flags.json) {
    const items = files.map((file) => ({ digest: file.digest, bytes: file.bytes, modifiedMs: file.modifiedMs }));
    printJson(io, { items, bytes, kept, removed: flags.yes, removedBytes });
    return exit.ok;
  }
  for (const file of files.slice(0, filesShown)) {
    print(
      io,
      `${sign.idle} ${file.digest ?? "left by an interrupted write"} ${formatSize(file.bytes)} ${
        formatDateTime(file.modifiedMs)
      }`,
    );
  }
  if (files.length > filesShown) print(io, dim(io, `   and ${files.length - filesShown} more`));
  const what = `${plural(files.length, "blob")}, ${formatSize(bytes)}`;
  if (files.length === 0) print(io, `${sign.ok} every blob is referenced, or newer than a day (${kept})`);
  else if (flags.yes) print(io, `${sign.ok} removed ${what}; kept ${kept}`);
  else {
    print(io, `${sign.next} nothing references ${what}; ${kept} are kept`);
    print(io, dim(io, "   to remove them: nerve store gc --yes"));
  }
  return exit.ok;
}
