/** One run: its state, how it got there, its messages, its cause and its effects. */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LogPage, MessagePage } from "../../src/protocol/api.ts";
import type { ApprovalPage } from "../../src/protocol/approval.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { get, segment, withQuery } from "../api.ts";
import { formatClock, formatCount, formatDateTime, plural } from "../format.ts";
import { findMissing, type Resource, useAction, useResource } from "../hooks.ts";
import { live } from "../live.ts";
import { Chip, Empty, Fact, Failure, Section, Value, Waiting, When } from "../parts/basic.tsx";
import { toSessions } from "../parts/agents.ts";
import { Chain, findRow } from "../parts/chain.tsx";
import { Timeline } from "../parts/timeline.tsx";
import { toHash } from "../route.ts";
import { fieldsOf, textOf } from "../row_text.ts";
import { RunHead } from "./run_head.tsx";
import { SessionTable } from "./sessions.tsx";

const rowsMax = 1_000, outputMax = 400, messagesMax = 200;

export function RunPage({ id }: { readonly id: string }) {
  const isOwn = (row: LogRow) => row.refId === id;
  const path = `/v1/runs/${segment(id)}`;
  const run = useResource<Run>(path, { wakes: (row) => isOwn(row) && row.type !== "run.log" });
  const [disk, rows] = useRunRows(id);
  const messages = useResource<MessagePage>(`${path}/messages?limit=${messagesMax}`, {
    wakes: (row) => isOwn(row) && row.type === "run.message",
  });
  const asked = useResource<ApprovalPage>(withQuery("/v1/approvals", { run: id, all: 1 }), {
    wakes: (row) => isOwn(row) && row.type.startsWith("approval."),
  });
  const missing = findMissing(run, disk, messages, asked);
  if (missing !== null || run.data === null) {
    return (
      <>
        <h1 tabIndex={-1}>Run</h1>
        <Waiting error={missing?.error ?? null} rows={8} />
      </>
    );
  }
  const shown = run.data, open = asked.data?.items.filter((each) => each.open) ?? [];
  const steps = rows.filter(({ type }) => type !== "run.log"), output = rows.filter(({ type }) => type === "run.log");
  const sessions = toSessions(rows);
  return (
    <>
      <RunHead run={shown} hasReason={open.length === 0} isHeld={shown.status === "paused" && isOfCode(steps)} />
      {open.map(({ id, title, created }) => (
        <p key={id} class="callout wait">
          <span>
            It waits for a decision: <a href={toHash("approvals", id)}>{title}</a>
          </span>
          <span class="dim">
            <When at={created} />
          </span>
        </p>
      ))}
      <div class="split">
        <div>
          <Steps run={shown} rows={steps} isWhole={disk.data?.next == null} />
          {sessions.length === 0 ? null : (
            <Section title="Agents" count={sessions.length}>
              <SessionTable sessions={sessions} />
            </Section>
          )}
          <Thread path={path} newest={messages.data?.items ?? []} />
          {shown.endedAt !== null && output.length === 0
            ? null
            : <Output rows={output} isLive={shown.endedAt === null} />}
        </div>
        <About run={shown} steps={steps} asked={asked.data} />
      </div>
    </>
  );
}

function Steps(
  { run, rows, isWhole }: { readonly run: Run; readonly rows: readonly LogRow[]; readonly isWhole: boolean },
) {
  return (
    <Section title="Timeline" count={plural(run.rounds, "round")}>
      {rows.length === 0 ? <Empty>Its rows are no longer in the log.</Empty> : <Timeline run={run} rows={rows} />}
      {isWhole ? null : (
        <p class="dim">
          From the newest {formatCount(rowsMax)} rows of the run.{" "}
          <a href={`#/log?refId=${segment(run.runId)}`}>All of them</a>
        </p>
      )}
    </Section>
  );
}

function About(
  { run, steps, asked }: {
    readonly run: Run;
    readonly steps: readonly LogRow[];
    readonly asked: ApprovalPage | null;
  },
) {
  return (
    <aside>
      <Section title="Asked for">
        <dl class="facts">
          <Fact name="Prompt">{run.prompt === "" ? <span class="dim">none</span> : run.prompt}</Fact>
          <Fact name="Payload">
            <Value value={run.payload} />
          </Fact>
        </dl>
      </Section>
      <Section title="What it caused">
        <Effects rows={steps} asked={asked} />
      </Section>
      <Section title="Caused by">
        <Cause run={run} />
      </Section>
    </aside>
  );
}

/** Whether the run's last pause was for its code. */
function isOfCode(rows: readonly LogRow[]): boolean {
  const paused = rows.findLast(({ type }) => type === "run.paused");
  return paused !== undefined && typeof Object(fieldsOf(paused).pause).code === "string";
}

/** The newest rows of the run, oldest first: those on disk, and those that arrive. */
function useRunRows(id: string): [disk: Resource<LogPage>, rows: readonly LogRow[]] {
  const disk = useResource<LogPage>(withQuery("/v1/logs", { refId: id, limit: rowsMax }));
  const [come, setCome] = useState<readonly LogRow[]>([]);
  useEffect(() => {
    setCome([]);
    return live.onRows((rows) => {
      const own = rows.filter(({ refId }) => refId === id);
      if (own.length > 0) setCome((before) => [...before, ...own].slice(-rowsMax));
    });
  }, [id]);
  const known = disk.data?.items.toReversed() ?? [], last = known.at(-1)?.id ?? 0;
  return [disk, [...known, ...come.filter((row) => row.refId === id && row.id > last)]];
}

type Messages = MessagePage["items"];

function Thread({ path, newest }: { readonly path: string; readonly newest: Messages }) {
  const [older, setOlder] = useState<Messages>([]), action = useAction(), first = newest[0]?.round ?? 1;
  // Where so many messages came meanwhile that there is a gap, the older ones are requested anew.
  const joins = (older.at(-1)?.round ?? first) >= first - 1;
  const shown = joins ? [...older.filter(({ round }) => round < first), ...newest] : newest,
    from = shown[0]?.round ?? 1;
  const more = () =>
    void action.run(async () => {
      const page = await get<MessagePage>(`${path}/messages?limit=${messagesMax}&before=${from}`);
      setOlder([...page.items, ...shown]);
    });
  return (
    <Section title="Thread" count={from > 1 ? `${formatCount(shown.length)}, from round ${from}` : shown.length}>
      {action.error === null ? null : <Failure error={action.error} />}
      {from <= 1 ? null : (
        <p class="more">
          <button type="button" disabled={action.busy} onClick={more}>Older messages</button>
        </p>
      )}
      {shown.length === 0 ? <Empty>There are no messages yet.</Empty> : <MessageList messages={shown} />}
    </Section>
  );
}

function MessageList({ messages }: { readonly messages: Messages }) {
  return (
    <ol class="thread">
      {messages.map(({ round, role, content, meta, ts }) => (
        <li key={round}>
          <header>
            <span class="round num">{round}</span> <b class="mono">{role}</b>
            <time class="dim num" title={formatDateTime(ts)}>{formatClock(ts)}</time>
          </header>
          <pre class="content">{content}</pre>
          {Object.keys(Object(meta)).length === 0 ? null : <Value value={meta} />}
        </li>
      ))}
    </ol>
  );
}

function Output({ rows, isLive }: { readonly rows: readonly LogRow[]; readonly isLive: boolean }) {
  const shown = rows.slice(-outputMax), list = useRef<HTMLOListElement>(null), isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (list.current !== null && isAtEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [rows.length]);
  const note = ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }: { currentTarget: HTMLElement }) => {
    isAtEnd.current = scrollTop + clientHeight >= scrollHeight - 8;
  };
  return (
    <Section title="Output" count={rows.length} aside={isLive ? <span class="dim">live</span> : undefined}>
      {shown.length === 0
        ? <Empty>Its roles have written nothing yet: log() of a role does.</Empty>
        : (
          <ol ref={list} class="output" tabIndex={0} aria-label="output" onScroll={note}>
            {shown.map((row) => {
              const { level, message, data } = fieldsOf(row);
              return (
                <li key={row.id} class={level === "error" ? "bad" : level === "warn" ? "warn" : ""}>
                  <time class="dim num">{formatClock(row.ts)}</time>
                  <span>{textOf(message)}{data == null ? null : <span class="dim">{textOf(data)}</span>}</span>
                </li>
              );
            })}
          </ol>
        )}
    </Section>
  );
}

function Cause({ run: { causeId, trigger } }: { readonly run: Run }) {
  const [row, setRow] = useState<LogRow | null>(null);
  useEffect(() => {
    if (causeId === null) return;
    const gone = new AbortController();
    findRow(causeId, gone.signal).then(setRow, () => {});
    return () => gone.abort();
  }, [causeId]);
  return (
    <>
      <p class="trigger">
        <Trigger trigger={trigger} />
      </p>
      {row === null ? null : <Chain row={row} />}
    </>
  );
}

function Trigger({ trigger }: { readonly trigger: Run["trigger"] }) {
  switch (trigger.kind) {
    case "sense":
      return (
        <>
          the sense <a class="mono" href={toHash("senses", trigger.sense)}>{trigger.sense}</a> asked for it
        </>
      );
    case "alert":
      return (
        <>
          the alert <a class="mono" href={toHash("alerts")}>{trigger.alert}</a>
        </>
      );
    case "approval":
      return (
        <>
          to tell of <a class="mono" href={toHash("approvals", trigger.request)}>a request</a>
        </>
      );
    case "schedule":
      return (
        <>
          its schedule <span class="mono">{trigger.cron}</span>, due {formatDateTime(trigger.due)}
        </>
      );
    case "run":
      return (
        <>
          round {trigger.round} of <a class="mono id" href={toHash("runs", trigger.run)}>{trigger.run}</a>
        </>
      );
    default:
      return <>a person, by hand or over the API</>;
  }
}

function Effects(
  { rows, asked }: { readonly rows: readonly LogRow[]; readonly asked: ApprovalPage | null },
) {
  const children = rows.flatMap((row) => {
    const { children } = fieldsOf(row);
    return Array.isArray(children) ? children.map((child) => Object(child)) : [];
  });
  const requests = asked?.items ?? [];
  if (children.length + requests.length === 0) return <p class="dim">Nothing that the log knows of.</p>;
  return (
    <ul class="effects">
      {children.map((child) => (
        <li key={textOf(child.runId)}>
          run of <a class="mono" href={toHash("runs", textOf(child.runId))}>{textOf(child.request?.workflow)}</a>{" "}
          <span class="dim">{textOf(child.request?.prompt)}</span>
        </li>
      ))}
      {requests.map(({ id, title, state, open, decision, by }) => (
        <li key={id}>
          <Chip status={state} tone={open ? "wait" : undefined} /> <a href={toHash("approvals", id)}>{title}</a>{" "}
          <span class="dim">{decision === null ? "" : `${decision}${by === null ? "" : ` by ${by}`}`}</span>
        </li>
      ))}
    </ul>
  );
}
