/**
 * The log, newest first: filtered, followed as rows arrive, paged back as far as it goes. A row opens beside the list
 * with its payload and the chain of its causes.
 */
import { Component } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogRow } from "../../src/protocol/log.ts";
import { formatCount, formatDateTime } from "../format.ts";
import { Empty, Failure, Mark, Section, Value } from "../parts/basic.tsx";
import { Chain, findRow, SourceLink } from "../parts/chain.tsx";
import { VirtualList } from "../parts/virtual.tsx";
import { replaceQuery, type Route } from "../route.ts";
import { type LogFilters, useLog } from "./log_rows.ts";
import { describeRow, labelOf, logTypeNames, toneOf } from "../row_text.ts";

/** As in run.css. On a phone a row has two lines. */
const rowHeight = 26, narrowRowHeight = 46, narrow = matchMedia("(max-width: 760px)");
const spans = [["any time", ""], ["last hour", "3600000"], ["last day", "86400000"], [
  "last 7 days",
  "604800000",
]] as const;

export function Log({ query }: Pick<Route, "query">) {
  const [filter, setFilter] = useState<LogFilters>({
    source: query.get("source") ?? "",
    type: query.get("type") ?? "",
    refId: query.get("refId") ?? "",
    sinceMs: query.get("sinceMs") ?? "",
  });
  const [follows, setFollows] = useState(true), [opened, setOpened] = useState<LogRow | null>(null);
  const asked = query.get("row");
  useEffect(() => {
    if (asked === null) return;
    const gone = new AbortController();
    findRow(Number(asked), gone.signal).then(setOpened, () => {});
    return () => gone.abort();
  }, [asked]);
  const change = (part: Partial<LogFilters>) => {
    const changed = { ...filter, ...part };
    setFilter(changed);
    replaceQuery({ ...changed });
  };
  const log = useLog(filter, follows), isNarrow = useIsNarrow();
  return (
    <>
      <h1 tabIndex={-1}>Log</h1>
      <Filters filter={filter} change={change} follows={follows} setFollows={setFollows} />
      {log.error === null ? null : <Failure error={log.error} />}
      <div class={`logview${opened === null ? "" : " open"}`}>
        <div class="loglist">
          {log.held === 0
            ? null
            : <button type="button" class="held" onClick={log.release}>{formatCount(log.held)} new rows</button>}
          {log.isKnown && log.rows.length === 0 ? <Empty>There is no such row.{hintOf(filter)}</Empty> : (
            <VirtualList
              items={log.rows}
              rowHeight={isNarrow ? narrowRowHeight : rowHeight}
              label="rows, newest first"
              keyOf={({ id }) => id}
              onEnd={log.more}
              onTop={log.setTop}
              render={(row) => (
                <LogLine
                  key={row.id}
                  row={row}
                  isOpen={row.id === opened?.id}
                  open={() => setOpened(row)}
                />
              )}
            />
          )}
          <p class="foot dim num">
            {formatCount(log.rows.length)}{" "}
            rows{log.isWhole ? ", from the first" : log.isAsking ? ", asking for older ones" : ""}
          </p>
        </div>
        {opened === null ? null : <Opened row={opened} close={() => setOpened(null)} />}
      </div>
    </>
  );
}

/** People first try a name alone. */
function hintOf({ source }: LogFilters): string {
  const isWhole = source === "" || source === "kernel" || source.includes(":");
  return isWhole ? "" : ` A source is written as sense:${source}, workflow:${source} or group:${source}.`;
}

function useIsNarrow(): boolean {
  const [isNarrow, setIsNarrow] = useState(narrow.matches);
  useEffect(() => {
    const change = () => setIsNarrow(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return isNarrow;
}

interface LogLineProps {
  readonly row: LogRow;
  readonly isOpen: boolean;
  readonly open: () => void;
}

/** A row never changes: it is drawn again only when it is opened or closed. */
class LogLine extends Component<LogLineProps> {
  override shouldComponentUpdate({ row, isOpen }: LogLineProps): boolean {
    return row !== this.props.row || isOpen !== this.props.isOpen;
  }

  override render({ row, isOpen, open }: LogLineProps) {
    const tone = toneOf(row);
    return (
      <div class={`logrow ${tone}${isOpen ? " on" : ""}`} role="listitem">
        <button type="button" class="num" title={`row ${row.id}`} aria-expanded={isOpen} onClick={open}>
          {formatDateTime(row.ts).slice(5)}
        </button>
        <Mark tone={tone} />
        <span class="source">
          <SourceLink source={row.source} refId={row.refId} type={row.type} />
        </span>
        <span class="label">{labelOf(row)}</span>
        <span class="text" onClick={open}>{describeRow(row)}</span>
      </div>
    );
  }
}

function Opened({ row, close }: { readonly row: LogRow; readonly close: () => void }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.querySelector("h2")?.focus({ preventScroll: false }), [row.id]);
  return (
    <aside ref={box} class="opened" onKeyDown={({ key }) => key === "Escape" && close()}>
      <header>
        <h2 tabIndex={-1}>Row {row.id}</h2>
        <button type="button" class="small" onClick={close}>Close</button>
      </header>
      <dl class="facts">
        <div class="fact">
          <dt>Time</dt>
          <dd class="num">{formatDateTime(row.ts)}</dd>
        </div>
        <div class="fact">
          <dt>Source</dt>
          <dd class="mono">{row.source}</dd>
        </div>
        <div class="fact">
          <dt>Type</dt>
          <dd class="mono">{row.type}</dd>
        </div>
        {row.refId === null ? null : (
          <div class="fact">
            <dt>About</dt>
            <dd class="mono wrap">{row.refId}</dd>
          </div>
        )}
      </dl>
      <Section title="Payload">
        <Value value={row.payload} open />
      </Section>
      <Section title="Because">
        <Chain row={row} />
      </Section>
    </aside>
  );
}

function Filters(
  { filter, change, follows, setFollows }: {
    readonly filter: LogFilters;
    readonly change: (part: Partial<LogFilters>) => void;
    readonly follows: boolean;
    readonly setFollows: (follows: boolean) => void;
  },
) {
  const types = useMemo(() => {
    const kinds = [...new Set(logTypeNames.map((type) => type.slice(0, type.indexOf("."))))];
    return kinds.map((kind) => [kind, logTypeNames.filter((type) => type.startsWith(`${kind}.`))] as const);
  }, []);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label>
        <span class="unseen">Source</span>
        <input
          type="search"
          class="mono"
          data-focus="/"
          placeholder="sense:NAME, workflow:NAME"
          value={filter.source}
          onChange={({ currentTarget }) => change({ source: currentTarget.value.trim() })}
        />
      </label>
      <label>
        <span class="unseen">Type</span>
        <select value={filter.type} onChange={({ currentTarget }) => change({ type: currentTarget.value })}>
          <option value="">every type</option>
          {types.map(([kind, names]) => (
            <optgroup key={kind} label={kind}>
              {names.map((name) => <option key={name} value={name}>{name}</option>)}
            </optgroup>
          ))}
        </select>
      </label>
      <label>
        <span class="unseen">About</span>
        <input
          type="search"
          class="mono"
          placeholder="run id or name"
          value={filter.refId}
          onChange={({ currentTarget }) => change({ refId: currentTarget.value.trim() })}
        />
      </label>
      <label>
        <span class="unseen">Time</span>
        <select value={filter.sinceMs} onChange={({ currentTarget }) => change({ sinceMs: currentTarget.value })}>
          {spans.map(([text, ms]) => <option key={text} value={ms}>{text}</option>)}
        </select>
      </label>
      <label class="check">
        <input type="checkbox" checked={follows} onChange={({ currentTarget }) => setFollows(currentTarget.checked)} />
        Follow
      </label>
    </form>
  );
}
