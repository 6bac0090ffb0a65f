/** The feed of the log's rows as they are committed, with secrets masked. Used by wiring.ts. */
import { readAll } from "../store/reading/steps.ts";
import { toStoreError } from "../store/sqlite/database.ts";
import type { Store } from "../store/store.ts";
import type { CurrentSecrets } from "./current_secrets.ts";
import { LogFeed } from "./log_feed.ts";
import type { WriteFailures } from "./write_failures.ts";

interface FeedFrom {
  readonly store: Store;
  readonly failures: WriteFailures;
}

export function makeFeed({ store, failures }: FeedFrom, secrets: CurrentSecrets): LogFeed {
  const feed = new LogFeed({
    lastId: () => store.reader.lastId(),
    readPage: (filter, maxBytes) => {
      if (!store.reader.isOpen) return { items: [], more: false };
      const { items, more } = readAll(store.reader.logPage(filter, maxBytes));
      return { items: secrets.mask(items), more };
    },
    // A damaged page.
    reportFailure: (thrown) => failures.report(toStoreError("the log cannot be read", thrown), 0),
  });
  store.onCommit(() => {
    failures.recordSuccess();
    feed.onCommit();
  });
  return feed;
}
