/** Hooks that pages share: data that refreshes itself, the time, the route, actions. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { LogRow } from "../src/protocol/log.ts";
import { type ApiError, get, toApiError } from "./api.ts";
import { live, type LiveStatus } from "./live.ts";

/** The last answers, so that a page that was shown before appears at once. */
const answers = new Map<string, unknown>();
const answersMax = 60;

/** However often rows come, the page asks no more often than this. */
const refreshMinMs = 1_000;
const refreshSoonMs = 150;

export interface Resource<T> {
  readonly data: T | null;
  readonly error: ApiError | null;
  readonly reload: () => void;
}

export interface Freshness {
  /** Whether this row outdates the answer. */
  readonly wakes?: (row: LogRow) => boolean;
  /** The page also asks again after this time. */
  readonly everyMs?: number;
  /** The least time between two requests that rows cause; default a second. */
  readonly minMs?: number;
}

/** The answer to GET `path`; with null, nothing is requested. */
export function useResource<T>(path: string | null, freshness: Freshness = {}): Resource<T> {
  const [, redraw] = useState(0),
    state = useRef<{ path: string | null; error: ApiError | null }>({ path, error: null });
  const wakes = useRef(freshness.wakes);
  wakes.current = freshness.wakes;
  if (state.current.path !== path) state.current = { path, error: null };
  const [reload, setReload] = useState<() => void>(() => () => {});
  const { everyMs, minMs = refreshMinMs } = freshness;
  useEffect(() => {
    if (path === null) return;
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined, asked = 0, isAsking = false, isOld = false;
    const ask = async () => {
      timer = undefined;
      if (document.hidden) return;
      if (isAsking) return void (isOld = true);
      [isAsking, isOld, asked] = [true, false, performance.now()];
      try {
        keep(path, await share(path));
        if (gone.signal.aborted) return;
        state.current.error = null;
      } catch (thrown) {
        if (gone.signal.aborted) return;
        state.current.error = toApiError(thrown);
      } finally {
        isAsking = false;
      }
      redraw((count) => count + 1);
      if (isOld) plan(minMs);
    };
    const plan = (minMs: number) => {
      timer ??= setTimeout(ask, Math.max(refreshSoonMs, asked + minMs - performance.now()));
    };
    const offRows = live.onRows((rows) => {
      if (wakes.current !== undefined && rows.some(wakes.current)) plan(minMs);
    });
    const offResync = live.onResync(() => plan(0));
    const every = everyMs === undefined ? undefined : setInterval(() => document.hidden || plan(0), everyMs);
    setReload(() => () => void ask());
    void ask();
    return () => {
      gone.abort();
      clearTimeout(timer);
      clearInterval(every);
      offRows();
      offResync();
    };
  }, [path, everyMs]);
  return {
    data: path === null ? null : (answers.get(path) as T | undefined) ?? null,
    error: state.current.error,
    reload,
  };
}

/** Whether this session may change anything; assumed true until it is known. */
export function useMayAct(): boolean {
  return useResource<{ scope: string }>("/v1/session").data?.scope !== "read";
}

const underWay = new Map<string, { readonly began: number; readonly answer: Promise<unknown> }>();
/** Less than `refreshSoonMs`: a request that began so recently began after the row that caused the new one. */
const sharedMaxMs = 100;

/** Two parts of a page that need the same answer at the same time share one request. */
function share(path: string): Promise<unknown> {
  const began = performance.now(), other = underWay.get(path);
  if (other !== undefined && began - other.began < sharedMaxMs) return other.answer;
  const asked = { began, answer: get(path) };
  underWay.set(path, asked);
  const leave = () => underWay.get(path) === asked && underWay.delete(path);
  asked.answer.then(leave, leave);
  return asked.answer;
}

/** Null when all of them are there: a page appears as a whole, so that nothing moves while the rest arrives. */
export function findMissing(...resources: readonly Resource<unknown>[]): { readonly error: ApiError | null } | null {
  const missing = resources.filter(({ data }) => data === null);
  return missing.length === 0 ? null : { error: missing.find(({ error }) => error !== null)?.error ?? null };
}

function keep(path: string, answer: unknown): void {
  answers.delete(path);
  answers.set(path, answer);
  for (const oldest of answers.keys()) {
    if (answers.size <= answersMax) return;
    answers.delete(oldest);
  }
}

/** Rows of the stream that pass the filter, oldest first; at most `max`. */
export function useRows(passes: (row: LogRow) => boolean, max: number, key: string): readonly LogRow[] {
  const [rows, setRows] = useState<{ key: string; rows: readonly LogRow[] }>({ key, rows: [] });
  useEffect(() => {
    setRows({ key, rows: [] });
    return live.onRows((come) => {
      const taken = come.filter(passes);
      if (taken.length > 0) setRows(({ rows }) => ({ key, rows: [...rows, ...taken].slice(-max) }));
    });
  }, [key]);
  return rows.key === key ? rows.rows : [];
}

let ticking = new Set<(now: number) => void>(), timer: ReturnType<typeof setInterval> | undefined;

/** The time, updated each second while the page is visible. All parts that show a time share one timer. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    ticking.add(setNow);
    timer ??= setInterval(() => {
      if (document.hidden) return;
      const time = Date.now();
      for (const set of ticking) set(time);
    }, 1_000);
    return () => {
      ticking.delete(setNow);
      if (ticking.size > 0) return;
      clearInterval(timer);
      timer = undefined;
      ticking = new Set();
    };
  }, []);
  return now;
}

export function useLiveStatus(): { status: LiveStatus; lostAt: number | null } {
  const [, redraw] = useState(0);
  useEffect(() => live.onStatus(() => redraw((count) => count + 1)), []);
  return { status: live.status, lostAt: live.lostAt };
}

export interface Action {
  readonly busy: boolean;
  readonly error: ApiError | null;
  /** Resolves to whether it succeeded. */
  readonly run: (act: () => Promise<unknown>) => Promise<boolean>;
  readonly clear: () => void;
}

/** Something that a person started: one at a time, with what went wrong. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false), [error, setError] = useState<ApiError | null>(null);
  const run = useCallback(async (act: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await act();
      return true;
    } catch (thrown) {
      setError(toApiError(thrown));
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, error, run, clear: useCallback(() => setError(null), []) };
}
