/** What each group and workflow may do, and what changed since somebody approved it. */
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
      {items.map((unit) => <UnitSection key={`${unit.kind}:${unit.name}`} unit={unit} />)}
    </>
  );
}

function Lock({ lock: { exists, problem, added, removed } }: Pick<PermissionsReply, "lock">) {
  const isSame = exists && problem === null && added.length + removed.length === 0;
  return (
    <Section title="Since the lock file" count={added.length + removed.length}>
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
              {removed.map((each) => (
                <Growth key={`-${each.kind}${each.name}${each.permission}`} sign="−" growth={each} />
              ))}
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

function UnitSection({ unit: { kind, name, senses, grants, implied } }: { readonly unit: Unit }) {
  const [isOpen, setIsOpen] = useState(false), others = senses.filter((sense) => sense !== name);
  return (
    <Section title={`${kind} ${name}`} aside={<span class="dim">{plural(grants.length, "grant")}</span>}>
      {others.length === 0 ? null : <p class="dim">one process for {senses.join(", ")}</p>}
      {grants.length === 0 ? <p class="dim">Nothing was declared.</p> : <GrantTable grants={grants} />}
      {implied === 0 ? null : (
        <details class="folded" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
          <summary>{plural(implied, "grant")} that every {kind} has</summary>
          {isOpen ? <Implied unit={`${kind}:${name}`} /> : null}
        </details>
      )}
    </Section>
  );
}

function Implied({ unit }: { readonly unit: string }) {
  const { data, error } = useResource<PermissionsReply>(withQuery("/v1/permissions", { unit }));
  const grants = data?.items[0]?.grants.filter(({ declaredBy }) => declaredBy === null);
  return grants === undefined ? <Waiting error={error} /> : <GrantTable grants={grants} />;
}

export function GrantTable({ grants }: Pick<Unit, "grants">) {
  return (
    <table class="table prose">
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
