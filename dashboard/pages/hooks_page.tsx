/** Hooks: where other programs deliver, and what happened to the deliveries. */
import type { HookList } from "../../src/protocol/hook.ts";
import { formatCount } from "../format.ts";
import { useResource } from "../hooks.ts";
import { Chip, Empty, Section, Waiting, When } from "../parts/basic.tsx";
import { toHash } from "../route.ts";

export function Hooks() {
  const hooks = useResource<HookList>("/v1/hooks", {
    everyMs: 30_000,
    wakes: ({ type }) => type.startsWith("hook.") || type.startsWith("config."),
  });
  if (hooks.data === null) {
    return (
      <>
        <h1 tabIndex={-1}>Hooks</h1>
        <Waiting error={hooks.error} />
      </>
    );
  }
  const { listener, items } = hooks.data;
  return (
    <>
      <h1 tabIndex={-1}>Hooks</h1>
      {listener === null
        ? (
          <p class="callout">
            There is no listener: <code>listen: 127.0.0.1:7077</code> in nerve.yaml makes one.
          </p>
        )
        : listener.problem === null
        ? (
          <p class="dim">
            Deliveries come in at <code>http://{listener.address}</code>.
          </p>
        )
        : <p class="callout bad">{listener.problem}</p>}
      <Section title="Hooks" count={items.length}>
        {items.length === 0 ? <Empty>nerve.yaml has no hooks.</Empty> : (
          <table class="table">
            <thead>
              <tr>
                <th>Hook</th>
                <th class="grow">Wakes</th>
                <th class="wide">Proof</th>
                <th class="right">Accepted</th>
                <th class="right">Refused</th>
                <th class="right wide">Waiting</th>
                <th class="right">Last</th>
              </tr>
            </thead>
            <tbody>{items.map((hook) => <HookRow key={hook.name} hook={hook} />)}</tbody>
          </table>
        )}
      </Section>
    </>
  );
}

function HookRow({ hook: { name, path, verify, senses, counters, waiting, backlog, last, problem } }: HookRowProps) {
  const { unproven, invalid, tooLarge, limited, backlogged } = counters;
  return (
    <tr>
      <td>
        <span class="mono" title={path}>{name}</span>
      </td>
      <td class="grow">
        {problem === null ? null : <Chip status={problem} tone="bad" />}{" "}
        {senses.map((sense) => <a key={sense} class="mono" href={toHash("senses", sense)}>{sense}</a>)}
      </td>
      <td class="wide dim">{verify}</td>
      <td class="right num">{formatCount(counters.accepted)}</td>
      <td class="right num">{formatCount(unproven + invalid + tooLarge + limited + backlogged)}</td>
      <td class="right num wide">
        {waiting}
        <span class="dim">/{backlog}</span>
      </td>
      <td class="right">
        <When at={last?.ts ?? null} />
      </td>
    </tr>
  );
}

interface HookRowProps {
  readonly hook: HookList["items"][number];
}
