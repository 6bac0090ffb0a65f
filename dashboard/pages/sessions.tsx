/** Sessions with agents: to which run they belong, their state, and their usage. */
import type { LogPage } from "../../src/protocol/api.ts";
import { withQuery } from "../api.ts";
import { formatCount, formatFigure, formatSpan } from "../format.ts";
import { findMissing, useResource } from "../hooks.ts";
import { type AgentSession, sessionTypes, toSessions } from "../parts/agents.ts";
import { Chip, Empty, Section, Waiting, When } from "../parts/basic.tsx";
import { toHash } from "../route.ts";
import type { Tone } from "../row_text.ts";

const rowsMax = 1_000;
const tones: Readonly<Record<AgentSession["state"], Tone>> = {
  created: "wait",
  ready: "good",
  busy: "signal",
  "needs a person": "bad",
  ended: "quiet",
};

export function Sessions() {
  const pages = sessionTypes.map((type) =>
    useResource<LogPage>(withQuery("/v1/logs", { type, limit: rowsMax }), {
      wakes: (row) => row.type === type,
      minMs: 3_000,
    })
  );
  const missing = findMissing(...pages);
  const rows = pages.flatMap(({ data }) => data?.items ?? []).sort((a, b) => a.id - b.id);
  // An older session whose first row was not requested has no agent name, and is left out.
  const sessions = toSessions(rows).filter(({ agent }) => agent !== "");
  const [open, ended] = [true, false].map((isOpen) => sessions.filter(({ state }) => (state !== "ended") === isOpen));
  return (
    <>
      <h1 tabIndex={-1}>Sessions</h1>
      {missing !== null ? <Waiting error={missing.error} rows={8} /> : (
        <>
          <Section title="With agents" count={open?.length}>
            {open === undefined || open.length === 0
              ? <Empty>No session with an agent is open.</Empty>
              : <SessionTable sessions={open} hasRun />}
          </Section>
          <Section title="Ended">
            {ended === undefined || ended.length === 0
              ? <Empty>No session has ended yet.</Empty>
              : <SessionTable sessions={ended} hasRun />}
          </Section>
        </>
      )}
    </>
  );
}

export function SessionTable(
  { sessions, hasRun = false }: { readonly sessions: readonly AgentSession[]; readonly hasRun?: boolean },
) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th>Session</th>
          <th class={`grow ${hasRun ? "wide" : ""}`}>Agent</th>
          {hasRun ? <th>Run</th> : null}
          <th class="right wide">Prompts</th>
          <th class="right">Tokens</th>
          <th class="right wide">Cost</th>
          <th class="right wide">Worked</th>
          <th class="right">Changed</th>
        </tr>
      </thead>
      <tbody>
        {sessions.map(({ id, state, name, agent, runId, workflow, prompts, tokens, cost, timeMs, changed }) => (
          <tr key={id}>
            <td>
              <Chip status={state} tone={tones[state]} />
            </td>
            <td class="mono">{name}</td>
            <td class={`grow mono ${hasRun ? "wide" : ""}`}>
              <span class="cut">{agent}</span>
            </td>
            {hasRun
              ? (
                <td>
                  <a class="mono" href={toHash("runs", runId)}>{workflow}</a>
                </td>
              )
              : null}
            <td class="right num wide">{formatCount(prompts)}</td>
            <td class="right num">{formatFigure(tokens)}</td>
            <td class="right num wide">{cost === 0 ? "–" : formatFigure(cost)}</td>
            <td class="right num wide">{formatSpan(timeMs)}</td>
            <td class="right">
              <When at={changed} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
