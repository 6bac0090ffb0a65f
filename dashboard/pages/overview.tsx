/** The overview: first what needs a person, then what runs. */
import type { ComponentChildren } from "preact";
import type { Health, RunList } from "../../src/protocol/api.ts";
import type { AlertView } from "../../src/protocol/alert.ts";
import type { ApprovalPage } from "../../src/protocol/approval.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { post } from "../api.ts";
import { formatAge, formatBytes, formatCount, plural, preview } from "../format.ts";
import { findMissing, useAction, useMayAct, useNow, useResource } from "../hooks.ts";
import { Chip, Empty, Failure, Mark, Section, Waiting, When } from "../parts/basic.tsx";
import { findProblems, type Known, type Problem } from "./problems.ts";
import { RunTable } from "./runs.tsx";
import { SenseTable, useSenses } from "./senses.tsx";

const sensesMax = 40;
const slow = { everyMs: 10_000, minMs: 3_000 } as const;
const isOf = (...kinds: readonly string[]) => ({ type }: LogRow) => kinds.some((kind) => type.startsWith(kind));

export function Overview() {
  const health = useResource<Health>("/v1/health", { ...slow, wakes: isOf("group.", "config.", "run.", "sense.load") });
  const approvals = useResource<ApprovalPage>("/v1/approvals?limit=20", { wakes: isOf("approval.", "run.") });
  const alerts = useResource<{ items: AlertView[] }>("/v1/alerts", { wakes: isOf("alert.", "config.") });
  const senses = useSenses();
  const live = useResource<RunList>("/v1/runs?status=queued,started,waiting,paused&limit=20", { wakes: isOf("run.") });
  const ended = useResource<RunList>("/v1/runs?limit=8&status=completed,failed,killed,crashed,interrupted,dropped", {
    wakes: isOf("run."),
  });
  const missing = findMissing(health, approvals, alerts, senses, live, ended);
  return (
    <>
      <h1 tabIndex={-1}>Overview</h1>
      {missing !== null ? <Waiting error={missing.error} rows={12} /> : (
        <Whole
          health={health.data as Health}
          senses={senses.data?.items ?? []}
          approvals={approvals.data as ApprovalPage}
          alerts={alerts.data?.items ?? []}
          live={live.data as RunList}
          ended={ended.data as RunList}
        />
      )}
    </>
  );
}

interface WholeProps extends Known {
  readonly live: RunList;
  readonly ended: RunList;
}

function Whole({ live, ended, ...known }: WholeProps) {
  const { health, senses } = known, problems = findProblems(known);
  return (
    <>
      <Figures health={health} senses={senses} />
      <Section title="Needs a person" count={problems.length}>
        {problems.length === 0
          ? (
            <Empty>
              <Mark tone="good" /> Nothing waits for you.
            </Empty>
          )
          : <ul class="needs">{problems.map((each) => <Need key={each.id} {...each} />)}</ul>}
      </Section>
      <Section title="Runs in progress" count={live.total} aside={<a href="#/runs">All runs</a>}>
        {live.items.length === 0 ? <Empty>No run is in progress.</Empty> : <RunTable runs={live.items} isLive />}
      </Section>
      <Section title="Senses" count={senses.length} aside={<a href="#/senses">All senses</a>}>
        {senses.length === 0
          ? <Empty>nerve.yaml names no sense yet: nerve sense library shows what there is.</Empty>
          : <SenseTable senses={senses.slice(0, sensesMax)} />}
      </Section>
      <Section title="Ended last">
        {ended.items.length === 0 ? <Empty>No run has ended yet.</Empty> : <RunTable runs={ended.items} />}
      </Section>
      <Processes health={health} />
    </>
  );
}

function Figures({ health, senses }: Pick<Known, "health" | "senses">) {
  const now = useNow();
  const figure = (name: string, value: ComponentChildren, more: ComponentChildren) => (
    <div class="figure">
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
      <dd class="dim">{more}</dd>
    </div>
  );
  const { active = 0, queued = 0, waiting = 0, paused = 0 } = health.runs, { counters } = health;
  const next = senses.reduce<number | null>(
    (least, { nextDue }) => nextDue === null ? least : Math.min(least ?? nextDue, nextDue),
    null,
  );
  const memory = health.units.reduce(
    (sum, { privateBytes, memoryBytes }) => sum + (privateBytes ?? memoryBytes ?? 0),
    0,
  );
  const up = health.units.filter(({ pid }) => pid !== null).length;
  const rest = [queued > 0 ? `${queued} queued` : "", paused > 0 ? `${paused} paused` : ""].filter((text) =>
    text !== ""
  );
  return (
    <dl class="figures">
      {figure("Runs", active, rest.length === 0 ? "active" : `active, ${rest.join(", ")}`)}
      {figure("Waiting", waiting, "runs that wait")}
      {figure(
        "Senses",
        senses.length,
        next === null ? "none is due" : `next in ${formatAge(Math.max(1_000, next - now))}`,
      )}
      {figure("Signals", formatCount(counters.signals ?? 0), `of ${plural(counters.computes ?? 0, "compute")}`)}
      {figure("Processes", up, memory === 0 ? "none runs" : formatBytes(memory))}
      {figure("Up", formatAge(Math.max(1_000, now - health.startedAt)), `nerve ${health.version}`)}
    </dl>
  );
}

function Need({ tone, kind, what, href, detail, since = null, lift }: Problem) {
  const action = useAction(), mayAct = useMayAct();
  return (
    <li class={tone}>
      <Mark tone={tone} />
      <span class="kind">{kind}</span>
      <span class="what">
        {what === "" ? null : href === undefined ? <b>{what}</b> : <a href={href}>{what}</a>}
        <span class="detail">{detail}</span>
        {action.error === null ? null : <Failure error={action.error} />}
      </span>
      <span class="since dim">{since === null ? null : <When at={since} />}</span>
      {lift === undefined || !mayAct
        ? null
        : (
          <button type="button" class="small" disabled={action.busy} onClick={() => void action.run(() => post(lift))}>
            Lift
          </button>
        )}
    </li>
  );
}

function Processes({ health }: Pick<Known, "health">) {
  if (health.units.length === 0) return null;
  const usual = health.units.filter(({ state }) => state !== "stopped");
  return (
    <Section title="Processes" count={usual.length}>
      <table class="table units">
        <thead>
          <tr>
            <th>Unit</th>
            <th>State</th>
            <th class="wide">Senses</th>
            <th class="right">Memory</th>
            <th class="right">Deaths</th>
          </tr>
        </thead>
        <tbody>
          {usual.map(({ kind, name, state, senses, memoryBytes, privateBytes, deaths }) => (
            <tr key={`${kind}:${name}`}>
              <td>
                <span class="dim">{kind}</span> <span class="mono">{name}</span>
              </td>
              <td>
                <Chip status={state} />
              </td>
              <td class="wide dim">{preview(senses.join(", "), 80)}</td>
              <td class="right num">{memoryBytes === null ? "–" : formatBytes(privateBytes ?? memoryBytes)}</td>
              <td class="right num">{deaths}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}
