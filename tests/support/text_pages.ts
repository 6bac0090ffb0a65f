/** Pages as the control API expects them, from records that a test has in memory. */
import { type PageReader, type Records, toNextRow } from "../../src/protocol/queries.ts";
import { type TextPage, writePage } from "../../src/protocol/text_page.ts";
import { readAll } from "../../src/store/reading/steps.ts";

/** `asked` is called for each page of the log. */
export function pagesOf(records: () => Records, asked: (archived: boolean) => void = () => {}): PageReader {
  const logs: PageReader["rows"] = (filter) => {
    const rows = records().logs(filter), nextRow = toNextRow(filter, rows);
    const more = nextRow !== null && records().logs(nextRow).length > 0;
    return toPage(rows, more, null, ({ id, type }) => ({ key: id, type }));
  };
  return {
    runs: (query) => {
      const { items, total } = records().runs(query);
      return toPage(items, items.length >= query.limit, total, ({ runId }) => ({ key: runId, type: null }));
    },
    messages: (runId, query) =>
      toPage(records().messages(runId, query), false, null, ({ round }) => ({ key: round, type: null })),
    logs: (filter, archived, gone) => {
      asked(archived);
      return logs(filter, gone);
    },
    rows: logs,
    lastRowId: () => records().logs({ order: "desc", limit: 1 })[0]?.id ?? 0,
    nextRowId: (after) => records().logs({ afterId: after, order: "asc", limit: 1 })[0]?.id ?? null,
  };
}

function toPage<T>(
  items: readonly T[],
  more: boolean,
  total: number | null,
  describe: (item: T) => { key: number | string; type: string | null },
): Promise<TextPage> {
  return Promise.resolve(readAll(writePage({ items, more }, total, (item) => item, describe)));
}
