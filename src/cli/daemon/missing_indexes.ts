/** Warns before a start that it will take longer this once: a log of an older nerve gets an index. */
import { NerveError } from "../../base/errors.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { findMissingIndexes } from "../../store/log/log_indexes.ts";
import type { CliIo } from "../io.ts";
import { plural, sign } from "../render/terminal.ts";

export function warnOfMissingIndexes(io: CliIo, { logDatabase }: WorkspacePaths): void {
  let missing: ReturnType<typeof findMissingIndexes>;
  try {
    missing = findMissingIndexes(logDatabase);
  } catch (thrown) {
    // The start itself reports what is wrong with the log.
    if (thrown instanceof NerveError) return;
    throw thrown;
  }
  if (missing === null) return;
  const rows = plural(missing.rows, "row");
  io.stderr.write(
    missing.atStart
      ? `${sign.asleep} the log (up to ${rows}) gets an index, once: that takes some seconds\n`
      : `${sign.warning} the log (up to ${rows}) lacks an index, so that queries by source read much of it\n` +
        "   nerve stop, then nerve store archive --vacuum builds it\n",
  );
}
