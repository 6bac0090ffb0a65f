/** The list of runs: by status and workflow, newest first. */
import { useState } from "preact/hooks";
import type { RunList, WorkflowView } from "../../src/protocol/api.ts";
import type { Run } from "../../src/protocol/run.ts";
import { get, withQuery } from "../api.ts";
import { preview, showTimes } from "../format.ts";
import { useAction, useResource } from "../hooks.ts";
import { Chip, Empty, Failure, Section, Took, Waiting, When } from "../parts/basic.tsx";
import { replaceQuery, type Route, toHash } from "../route.ts";

const groups = [
  ["All", ""],
  ["In progress", "queued,started,waiting,paused"],
  ["Completed", "completed"],
  ["Failed", "failed,crashed,killed"],
  ["Not run", "interrupted,dropped"],
] as const;

export function Runs({ query }: Pick<Route, "query">) {
  const [filter, setFilter] = useState({ status: query.get("status") ?? "", workflow: query.get("workflow") ?? "" });
  const change = (part: Partial<typeof filter>) => {
    const changed = { ...filter, ...part };
    setFilter(changed);
    replaceQuery(changed);
  };
  const workflows = useResource<{ items: WorkflowView[] }>("/v1/workflows");
  const path = withQuery("/v1/runs", { ...filter, limit: 50 });
  const runs = useResource<RunList>(path, { wakes: ({ type }) => type.startsWith("run.") && type !== "run.log" });
  return (
    <>
      <h1 tabIndex={-1}>Runs</h1>
      <div class="filters">
        <div class="tabs" role="group" aria-label="status">
          {groups.map(([name, status]) => (
            <button
              key={name}
              type="button"
              aria-pressed={filter.status === status}
              onClick={() => change({ status })}
            >
              {name}
            </button>
          ))}
        </div>
        <label>
          <span class="unseen">Workflow</span>
          <select value={filter.workflow} onChange={({ currentTarget }) => change({ workflow: currentTarget.value })}>
            <option value="">every workflow</option>
            {workflows.data?.items.map(({ name }) => <option key={name} value={name}>{name}</option>)}
          </select>
        </label>
      </div>
      <Section title="Runs" count={runs.data?.total}>
        {runs.data === null || workflows.data === null
          ? <Waiting error={runs.error ?? workflows.error} rows={10} />
          : runs.data.items.length === 0
          ? <Empty>There is no such run.</Empty>
          : <RunPages key={path} first={runs.data} path={path} />}
      </Section>
      {runs.data === null ? null : <Workflows workflows={workflows.data?.items ?? []} />}
    </>
  );
}

function RunPages({ first, path }: { readonly first: RunList; readonly path: string }) {
  const [older, setOlder] = useState<readonly Run[]>([]), action = useAction();
  const shown = [...first.items, ...older.filter(({ runId }) => first.items.every((each) => each.runId !== runId))];
  const last = shown.at(-1);
  const more = () =>
    void action.run(async () => {
      const page = await get<RunList>(`${path}&before=${last?.runId}`);
      setOlder([...older, ...page.items]);
    });
  return (
    <>
      <RunTable runs={shown} />
      {action.error === null ? null : <Failure error={action.error} />}
      {shown.length >= first.total ? null : (
        <p class="more">
          <button type="button" disabled={action.busy} onClick={more}>Older runs</button>
        </p>
      )}
    </>
  );
}

export function RunTable({ runs, isLive = false }: { readonly runs: readonly Run[]; readonly isLive?: boolean }) {
  return (
    <table class="table runs">
      <thead>
        <tr>
          <th>Status</th>
          <th>Workflow</th>
          <th class="roomy">Run</th>
          <th class="right">Round</th>
          <th class="wide grow">{isLive ? "Now" : "Why"}</th>
          <th class="right wide">Took</th>
          <th class="right">{isLive ? "Since" : "When"}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <tr key={run.runId}>
            <td>
              <Chip status={run.status} />
            </td>
            <td>
              <a class="mono" href={toHash("runs", run.runId)}>{run.workflow}</a>
            </td>
            <td class="roomy dim mono id">{run.runId}</td>
            <td class="right num">
              {run.rounds}
              <span class="dim wide">/{run.maxRounds}</span>
            </td>
            <td class="wide grow">
              <span class="cut">{run.reason === null ? preview(run.prompt) : showTimes(run.reason)}</span>
            </td>
            <td class="right wide">
              <Took from={run.startedAt} to={run.endedAt} />
            </td>
            <td class="right">
              <When at={run.endedAt ?? run.queuedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Workflows({ workflows }: { readonly workflows: readonly WorkflowView[] }) {
  if (workflows.length === 0) return null;
  return (
    <Section title="Workflows" count={workflows.length}>
      <table class="table">
        <thead>
          <tr>
            <th>Workflow</th>
            <th class="grow">Schedule</th>
            <th class="right">Active</th>
            <th class="right">Queued</th>
            <th class="right wide">Waiting</th>
            <th class="right wide">Paused</th>
            <th class="right">Next</th>
          </tr>
        </thead>
        <tbody>
          {workflows.map((each) => (
            <tr key={each.name}>
              <td class="mono">{each.name}</td>
              <td class="grow">
                {each.problem === null
                  ? <span class="dim">{each.schedule.join(", ") || "on request"}</span>
                  : <Chip status={preview(each.problem, 120)} tone="bad" />}
              </td>
              <td class="right num">
                {each.active}
                <span class="dim">/{each.concurrency}</span>
              </td>
              <td class="right num">{each.queued}</td>
              <td class="right num wide">{each.waiting}</td>
              <td class="right num wide">{each.paused}</td>
              <td class="right">
                <When at={each.nextDue} isDue />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
