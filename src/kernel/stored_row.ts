/** Whether a row of the log is on disk. Used by wiring.ts for the signals of a commit that lost another row. */
import { NerveError } from "../base/errors.ts";
import type { Store } from "../store/store.ts";

export function isStored({ reader }: Store, id: number): boolean {
  try {
    return reader.logs({ afterId: id - 1, limit: 1 })[0]?.id === id;
  } catch (thrown) {
    // If the disk cannot be read either, the row counts as lost; the commit's failure has been reported.
    if (thrown instanceof NerveError) return false;
    throw thrown;
  }
}
