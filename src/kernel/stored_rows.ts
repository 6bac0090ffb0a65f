/** Whether rows of the log reached the disk. Used by wiring.ts. */
import { NerveError } from "../base/errors.ts";
import type { Store } from "../store/store.ts";

/** False also when the disk cannot be read. */
export function isStored({ reader }: Store, id: number): boolean {
  try {
    return reader.logs({ afterId: id - 1, limit: 1 })[0]?.id === id;
  } catch (thrown) {
    // A disk that cannot be read either: the row counts as lost, and the commit's failure has been reported.
    if (thrown instanceof NerveError) return false;
    throw thrown;
  }
}
