/** Alerts: what fires and why, with silences and acknowledgements. */
import { useState } from "preact/hooks";
import type { AlertView } from "../../src/protocol/alert.ts";
import { post, segment } from "../api.ts";
import { formatCount, plural } from "../format.ts";
import { type Action, useAction, useMayAct, useResource } from "../hooks.ts";
import { Chip, Empty, Failure, Waiting, When } from "../parts/basic.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { toHash } from "../route.ts";

const hourMs = 3_600_000;
const rank = (alert: AlertView) => alert.firing > 0 ? 0 : alert.problem !== null ? 1 : alert.pending > 0 ? 2 : 3;

export function Alerts() {
  const alerts = useResource<{ items: AlertView[] }>("/v1/alerts", {
    everyMs: 10_000,
    wakes: ({ type }) => type.startsWith("alert.") || type.startsWith("config."),
  });
  const items = alerts.data?.items.toSorted((a, b) => rank(a) - rank(b)) ?? [];
  return (
    <>
      <h1 tabIndex={-1}>Alerts</h1>
      {alerts.data === null
        ? <Waiting error={alerts.error} />
        : items.length === 0
        ? <Empty>nerve.yaml has no alerts.</Empty>
        : items.map((alert) => <AlertSection key={alert.name} alert={alert} reload={alerts.reload} />)}
    </>
  );
}

function AlertSection({ alert, reload }: { readonly alert: AlertView; readonly reload: () => void }) {
  const action = useAction(), mayAct = useMayAct(), [asks, setAsks] = useState<{ key: string | null } | null>(null);
  const { name, states, silences, counters, problem } = alert, path = `/v1/alerts/${segment(name)}`;
  const change = (what: string, key: string | null) =>
    void action.run(() => post(`${path}/${what}`, { by: "dashboard", ...key === null ? {} : { key } }).then(reload));
  const status = alert.firing > 0 ? "firing" : alert.pending > 0 ? "pending" : "inactive";
  const buttons = (
    <>
      {alert.firing === 0
        ? null
        : <button type="button" class="small" onClick={() => change("ack", null)}>Acknowledge</button>}
      <button type="button" class="small" onClick={() => setAsks({ key: null })}>Silence</button>
    </>
  );
  return (
    <section class="section alert">
      <header>
        <h2>
          <Chip status={status} /> <span class="mono">{name}</span> <span class="dim">{alert.severity}</span>
        </h2>
        <div class="aside">{mayAct ? buttons : null}</div>
      </header>
      <p class="rule">
        <a class="mono" href={toHash("senses", alert.sense)}>{alert.sense}</a>{" "}
        {alert.when === null ? "is absent" : <code>{alert.when}</code>}
        {alert.workflow === null ? null : <span class="dim">, starts {alert.workflow}</span>}
        <span class="dim num">, {plural(counters.evaluated, "signal")} judged</span>
        {counters.failed === 0 ? null : <span class="dim num">, {formatCount(counters.failed)} failed</span>}
      </p>
      {problem === null ? null : <p class="callout bad">{problem}</p>}
      {action.error === null || asks !== null ? null : <Failure error={action.error} />}
      {states.length === 0 ? null : <States states={states} silence={mayAct ? (key) => setAsks({ key }) : null} />}
      <Silences silences={silences} end={mayAct ? (key) => change("unsilence", key) : null} />
      {asks === null ? null : (
        <SilenceDialog
          name={name}
          of={asks.key}
          path={path}
          action={action}
          onClose={() => {
            setAsks(null);
            reload();
          }}
        />
      )}
    </section>
  );
}

function States(
  { states, silence }: Pick<AlertView, "states"> & { readonly silence: ((key: string) => void) | null },
) {
  const hasKeys = states.some(({ key }) => key !== "");
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          {hasKeys ? <th>Key</th> : null}
          <th class="grow">Summary</th>
          <th class="right">Since</th>
          <th class="right">
            <span class="unseen">Act</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {states.map((state) => (
          <tr key={state.key}>
            <td>
              <Chip status={state.status} />
            </td>
            {hasKeys ? <td class="mono">{state.key || <span class="dim">–</span>}</td> : null}
            <td class="grow">
              <span class="cut">
                {state.rowId === null
                  ? state.summary
                  : <a href={`#/log?row=${state.rowId}`}>{state.summary ?? state.reason}</a>}
                {state.ack === null ? null : (
                  <span class="dim ack">
                    acknowledged by {state.ack.by}
                    {state.ack.comment === null ? "" : `: ${state.ack.comment}`}
                  </span>
                )}
              </span>
            </td>
            <td class="right">
              <When at={state.since} />
            </td>
            <td class="right">
              {state.key === "" || silence === null
                ? null
                : <button type="button" class="small" onClick={() => silence(state.key)}>Silence</button>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Silences(
  { silences, end }: Pick<AlertView, "silences"> & { readonly end: ((key: string | null) => void) | null },
) {
  return (
    <>
      {silences.map(({ key, by, comment, until }) => (
        <p key={`${key} ${until}`} class="callout wait">
          <span>
            {key === null ? "Silenced" : (
              <>
                Silenced for <b class="mono">{key}</b>
              </>
            )} by {by}
            {comment === null ? "" : `: ${comment}`}
          </span>
          <span class="dim">
            <When at={until} />
          </span>
          {end === null ? null : <button type="button" class="small" onClick={() => end(key)}>End</button>}
        </p>
      ))}
    </>
  );
}

function SilenceDialog(
  { name, of, path, action, onClose }: {
    readonly name: string;
    readonly of: string | null;
    readonly path: string;
    readonly action: Action;
    readonly onClose: () => void;
  },
) {
  const [hours, setHours] = useState("1"), [comment, setComment] = useState("");
  const act = () =>
    post(`${path}/silence`, {
      forMs: Number(hours) * hourMs,
      by: "dashboard",
      ...of === null ? {} : { key: of },
      ...comment && { comment },
    });
  return (
    <Confirm title={`Silence ${name}${of === null ? "" : ` for ${of}`}?`} verb="Silence" {...{ action, act, onClose }}>
      <p>It starts no workflow in this time. If it still fires when that ends, its workflow starts then.</p>
      <label class="field">
        For
        <select
          value={hours}
          onChange={({ currentTarget }) =>
            setHours(currentTarget.value)}
        >
          {[["1", "1 hour"], ["4", "4 hours"], ["24", "1 day"], ["168", "7 days"]].map(([value, text]) => (
            <option key={value} value={value}>{text}</option>
          ))}
        </select>
      </label>
      <label class="field">
        Comment <span class="dim">(optional)</span>
        <input
          value={comment}
          onInput={({ currentTarget }) =>
            setComment(currentTarget.value)}
        />
      </label>
    </Confirm>
  );
}
