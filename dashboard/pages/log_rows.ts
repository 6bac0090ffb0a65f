/** The rows that the log page shows: pages from the daemon, and newer rows of the stream before them. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { LogPage } from "../../src/protocol/api.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { type ApiError, get, toApiError, withQuery } from "../api.ts";
import { live } from "../live.ts";

const pageRows = 200, rowsMax = 50_000, waitingMax = 5_000;

export interface LogFilters {
  readonly source: string;
  readonly type: string;
  readonly refId: string;
  readonly sinceMs: string;
}

export interface LogState {
  readonly rows: readonly LogRow[];
  /** Number of rows that have arrived and are not shown yet. */
  readonly held: number;
  readonly error: ApiError | null;
  readonly isKnown: boolean;
  /** Whether there are no older rows. */
  readonly isWhole: boolean;
  readonly isAsking: boolean;
  readonly more: () => void;
  readonly release: () => void;
  readonly setTop: (isTop: boolean) => void;
}

/** While the reader is elsewhere in the list, new rows are held back. */
export function useLog(filter: LogFilters, follows: boolean): LogState {
  const { source, type, refId, sinceMs } = filter, key = [source, type, refId, sinceMs].join(" ");
  const pages = usePages(filter, key), { add } = pages;
  const [held, setHeld] = useState<readonly LogRow[]>([]), isTop = useRef(true);
  useEffect(() => setHeld([]), [key]);
  useEffect(() => {
    const isShown = (row: LogRow) =>
      (source === "" || row.source === source) && (type === "" || row.type === type) &&
      (refId === "" || row.refId === refId);
    return live.onRows((come) => {
      const rows = come.filter(isShown).toReversed();
      if (rows.length === 0) return;
      if (follows && isTop.current) add(rows);
      else setHeld((before) => [...rows, ...before].slice(0, waitingMax));
    });
  }, [key, follows]);
  const release = () => {
    add(held);
    setHeld([]);
  };
  useEffect(() => {
    if (follows && isTop.current && held.length > 0) release();
  }, [follows]);
  const setTop = (top: boolean) => {
    isTop.current = top;
    if (top && follows && held.length > 0) release();
  };
  return { ...pages, held: held.length, release, setTop };
}

interface Pages extends Pick<LogState, "rows" | "error" | "isKnown" | "isWhole" | "isAsking" | "more"> {
  /** Puts rows of the stream, newest first, before all others. */
  readonly add: (rows: readonly LogRow[]) => void;
}

interface Loaded {
  readonly key: string;
  readonly rows: readonly LogRow[];
  readonly next: string | null;
  readonly isKnown: boolean;
}

function usePages({ source, type, refId, sinceMs }: LogFilters, key: string): Pages {
  const [loaded, setLoaded] = useState<Loaded>({ key, rows: [], next: null, isKnown: false });
  const [error, setError] = useState<ApiError | null>(null), [isAsking, setIsAsking] = useState(false);
  const asking = useRef<AbortController | null>(null);
  const ask = async (path: string) => {
    const gone = asking.current = new AbortController();
    setIsAsking(true);
    try {
      const page = await get<LogPage>(path, gone.signal);
      setLoaded((old) => append(old.key === key ? old : { key, rows: [], next: null, isKnown: false }, page));
      setError(null);
    } catch (thrown) {
      if (!gone.signal.aborted) setError(toApiError(thrown));
    } finally {
      if (asking.current === gone) {
        asking.current = null;
        setIsAsking(false);
      }
    }
  };
  useEffect(() => {
    const begin = () => {
      asking.current?.abort();
      setLoaded({ key, rows: [], next: null, isKnown: false });
      const since = sinceMs === "" ? null : Date.now() - Number(sinceMs);
      void ask(withQuery("/v1/logs", { source, type, refId, sinceMs: since, limit: pageRows }));
    };
    begin();
    const offResync = live.onResync(begin);
    return () => {
      offResync();
      asking.current?.abort();
    };
  }, [key]);
  const isOwn = loaded.key === key, { next } = loaded;
  return {
    rows: isOwn ? loaded.rows : [],
    error,
    isKnown: isOwn && loaded.isKnown,
    isWhole: isOwn && loaded.isKnown && next === null,
    isAsking,
    more: () => void (isOwn && asking.current === null && next !== null && ask(next)),
    add: (rows) => setLoaded((old) => old.key === key ? { ...old, rows: join(rows, old.rows) } : old),
  };
}

/** Adds older rows at the end, without those already there: the stream may be ahead of the first page. */
function append(old: Loaded, page: LogPage): Loaded {
  const last = old.rows.at(-1)?.id ?? Infinity;
  const rows = [...old.rows, ...page.items.filter(({ id }) => id < last)].slice(0, rowsMax);
  return { ...old, rows, next: rows.length < rowsMax ? page.next : null, isKnown: true };
}

/** Puts new rows before old ones; a row that is in both appears once. */
function join(rows: readonly LogRow[], old: readonly LogRow[]): LogRow[] {
  const newest = old[0]?.id ?? 0;
  return [...rows.filter(({ id }) => id > newest), ...old].slice(0, rowsMax);
}
