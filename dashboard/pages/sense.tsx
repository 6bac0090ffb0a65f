/** One sense: when it computes, its signals or why there were none, its columns over time, its permissions. */
import type { LogPage, SenseView } from "../../src/protocol/api.ts";
import type { PermissionsReply, SenseColumns } from "../../src/protocol/dashboard.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import { segment, withQuery } from "../api.ts";
import { preview } from "../format.ts";
import { findMissing, useResource, useRows } from "../hooks.ts";
import { Empty, Mark, Section, Waiting, When } from "../parts/basic.tsx";
import { countReasons, outcomeTypes, Strip } from "../parts/strip.tsx";
import { fieldsOf, toneOf } from "../row_text.ts";
import { GrantTable } from "./permissions.tsx";
import { Charts } from "./sense_charts.tsx";
import { SenseHead } from "./sense_head.tsx";

const stripMax = 90;

export function SensePage({ name }: { readonly name: string }) {
  const path = `/v1/senses/${segment(name)}`, isOwn = (row: { source: string }) => row.source === `sense:${name}`;
  const sense = useResource<SenseView>(path, {
    everyMs: 10_000,
    wakes: (row) => isOwn(row) || row.type.startsWith("config.") || row.type.startsWith("group."),
  });
  const disk = useResource<LogPage>(withQuery("/v1/logs", { source: `sense:${name}`, limit: 300 }));
  const come = useRows(isOwn, 300, name), newest = disk.data?.items[0]?.id ?? 0;
  const rows = [...(disk.data?.items ?? []).toReversed(), ...come.filter(({ id }) => id > newest)];
  const outcomes = rows.filter(({ type }) => outcomeTypes.has(type)).slice(-stripMax);
  const columns = useResource<SenseColumns>(`${path}/columns`, { everyMs: 60_000 });
  const missing = findMissing(sense, disk, columns);
  if (missing !== null || sense.data === null) {
    return (
      <>
        <h1 tabIndex={-1}>
          <span class="mono">{name}</span>
        </h1>
        <Waiting error={missing?.error ?? null} rows={8} />
      </>
    );
  }
  const signals = rows.filter(({ type }) => type === "sense.signal").slice(-20).toReversed();
  return (
    <>
      <SenseHead sense={sense.data} path={path} reload={sense.reload} />
      <Section title="Outcomes" count={outcomes.length === 0 ? undefined : `last ${outcomes.length}`}>
        {outcomes.length === 0 ? <Empty>It has not computed yet.</Empty> : <Outcomes rows={outcomes} />}
      </Section>
      <Charts name={name} path={path} columns={columns.data?.items ?? []} />
      <div class="split even">
        <Signals name={name} signals={signals} />
        <Grants group={sense.data.group} />
      </div>
    </>
  );
}

function Signals({ name, signals }: { readonly name: string; readonly signals: readonly LogRow[] }) {
  return (
    <Section title="Signals" aside={<a href={`#/log?source=sense:${name}&type=sense.signal`}>In the log</a>}>
      {signals.length === 0 ? <Empty>No signal in its last rows.</Empty> : (
        <table class="table">
          <thead>
            <tr>
              <th class="grow">Payload</th>
              <th class="right">When</th>
            </tr>
          </thead>
          <tbody>
            {signals.map((row) => (
              <tr key={row.id}>
                <td class="grow">
                  <code class="cut">{preview(fieldsOf(row).payload ?? null)}</code>
                </td>
                <td class="right">
                  <a class="quiet" href={`#/log?row=${row.id}`}>
                    <When at={row.ts} />
                  </a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}

function Outcomes({ rows }: { readonly rows: readonly LogRow[] }) {
  const reasons = countReasons(rows).slice(0, 6);
  return (
    <>
      <Strip rows={rows} />
      {reasons.length === 0 ? null : (
        <ul class="reasons">
          {reasons.map(({ label, text, row, count }) => (
            <li key={`${label}${text}`}>
              <Mark tone={toneOf(row)} /> <span class="num count">{count}×</span> {label}{" "}
              <span class="dim">{text}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Grants({ group }: { readonly group: string }) {
  const reply = useResource<PermissionsReply>(withQuery("/v1/permissions", { unit: `group:${group}` }), {
    wakes: ({ type }) => type.startsWith("config."),
  });
  const own = reply.data?.items[0]?.grants.filter(({ declaredBy }) => declaredBy !== null) ?? [];
  return (
    <Section
      title="Grants"
      count={reply.data === null ? undefined : own.length}
      aside={<a href="#/permissions">Permissions</a>}
    >
      {reply.data === null
        ? <Waiting error={reply.error} />
        : own.length === 0
        ? <Empty>It may read and write its own database, and nothing else that was declared.</Empty>
        : <GrantTable grants={own} />}
    </Section>
  );
}
