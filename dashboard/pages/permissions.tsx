/** What each group and workflow may do, and what has changed since a person approved it. */
import { useState } from "preact/hooks";
import type { PermissionGrowth, PermissionsReply } from "../../src/protocol/dashboard.ts";
import { withQuery } from "../api.ts";
import { plural } from "../format.ts";
import { useResource } from "../hooks.ts";
import { Command, Empty, Mark, Section, Waiting } from "../parts/basic.tsx";

type Unit = PermissionsReply["items"][number];

export function Permissions() {
  const reply = useResource<PermissionsReply>("/v1/permissions", {
    everyMs: 60_000,
    wakes: ({ type }) => type.startsWith("config.") || type.endsWith(".held"),
  });
  if (reply.data === null) {
    return (
      <>
        <h1 tabIndex={-1}>Permissions</h1>
        <Waiting error={reply.error} rows={8} />
      </>
    );
  }
  const { items, lock, configError } = reply.data;
  return (
    <>
      <h1 tabIndex={-1}>Permissions</h1>
      {configError === null ? null : <pre class="callout bad">{configError}</pre>}
      <Lock lock={lock} />
      {items.filter(({ grants }) => grants.length > 0).map((unit) => (
        <UnitSection key={`${unit.kind}:${unit.name}`} unit={unit} />
      ))}
      <Undeclared units={items.filter(({ grants }) => grants.length === 0)} />
    </>
  );
}

function Lock({ lock: { exists, problem, added, removed, approvers } }: Pick<PermissionsReply, "lock">) {
  const differences = added.length + removed.length + approvers.added.length + approvers.removed.length;
  const isSame = exists && problem === null && differences === 0;
  return (
    <Section title="Since the lock file" count={differences}>
      {problem === null ? null : <p class="callout bad">nerve.permissions.lock {problem}</p>}
      {!exists
        ? <p class="callout">Nobody has approved anything yet: without a lock, nerve.yaml decides alone.</p>
        : null}
      {isSame
        ? (
          <Empty>
            <Mark tone="good" /> nerve.yaml asks for nothing that was not approved.
          </Empty>
        )
        : (
          <>
            <ul class="diff">
              {added.map((each) => (
                <Growth
                  key={`+${each.kind}${each.name}${each.permission}`}
                  sign="+"
                  growth={each}
                />
              ))}
              {approvers.added.map((text) => <Approver key={`+${text}`} sign="+" text={text} />)}
              {removed.map((each) => (
                <Growth key={`-${each.kind}${each.name}${each.permission}`} sign="−" growth={each} />
              ))}
              {approvers.removed.map((text) => <Approver key={`-${text}`} sign="−" text={text} />)}
            </ul>
            <Command text="nerve permissions approve" />
          </>
        )}
    </Section>
  );
}

function Growth(
  { sign, growth: { kind, name, permission, values } }: { readonly sign: "+" | "−"; readonly growth: PermissionGrowth },
) {
  return (
    <li class={sign === "+" ? "added" : "removed"}>
      <b class="num" aria-label={sign === "+" ? "asked for" : "no longer asked for"}>{sign}</b>
      <span class="dim">{kind}</span> <span class="mono">{name}</span>{" "}
      <span class="mono">{permission} {values === true ? "everything" : values.join(", ")}</span>
    </li>
  );
}

/** An approver that was added or removed, listed beside what code may do. */
function Approver({ sign, text }: { readonly sign: "+" | "−"; readonly text: string }) {
  return (
    <li class={sign === "+" ? "added" : "removed"}>
      <b class="num" aria-label={sign === "+" ? "asked for" : "no longer asked for"}>{sign}</b>
      <span class="dim">approvers</span> <span class="mono">{text}</span>
    </li>
  );
}

/** Units that may do no more than every unit, one line each. */
function Undeclared({ units }: { readonly units: readonly Unit[] }) {
  if (units.length === 0) return null;
  return (
    <Section title="Nothing was declared" count={units.length}>
      {units.map((unit) => (
        <ImpliedOf key={`${unit.kind}:${unit.name}`} unit={unit} text={`${unit.kind} ${unit.name}`} />
      ))}
    </Section>
  );
}

function UnitSection({ unit }: { readonly unit: Unit }) {
  const { kind, name, senses, grants } = unit;
  const others = senses.filter((sense) => sense !== name);
  return (
    <Section title={`${kind} ${name}`} aside={<span class="dim">{plural(grants.length, "grant")}</span>}>
      {others.length === 0 ? null : <p class="dim">one process for {senses.join(", ")}</p>}
      <GrantTable grants={grants} />
      {unit.implied === 0
        ? null
        : <ImpliedOf unit={unit} text={`${plural(unit.implied, "grant")} that every ${kind} has`} />}
    </Section>
  );
}

function ImpliedOf({ unit: { kind, name }, text }: { readonly unit: Unit; readonly text: string }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details class="folded" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>{text}</summary>
      {isOpen ? <Implied unit={`${kind}:${name}`} /> : null}
    </details>
  );
}

function Implied({ unit }: { readonly unit: string }) {
  const { data, error } = useResource<PermissionsReply>(withQuery("/v1/permissions", { unit }));
  const grants = data?.items[0]?.grants.filter(({ declaredBy }) => declaredBy === null);
  return grants === undefined ? <Waiting error={error} /> : <GrantTable grants={grants} />;
}

export function GrantTable({ grants }: Pick<Unit, "grants">) {
  return (
    <table class="table prose grants">
      <thead>
        <tr>
          <th>May</th>
          <th>What</th>
          <th class="wide">Why</th>
        </tr>
      </thead>
      <tbody>
        {grants.map(({ permission, value, why }, at) => (
          <tr key={at}>
            <td class="mono">{permission}</td>
            <td class="mono">{value === true ? "everything" : value}</td>
            <td class="wide dim">{why}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
