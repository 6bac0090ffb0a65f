/** The requests that wait for a decision, and the page of one: exactly what is decided, and by whom. */
import { useRef, useState } from "preact/hooks";
import type { Approval, ApprovalList, DecisionReply } from "../../src/protocol/approval.ts";
import { makeToken, post, segment } from "../api.ts";
import { formatDateTime } from "../format.ts";
import { findMissing, useAction, useMayAct, useResource } from "../hooks.ts";
import { Chip, Command, Empty, Fact, Failure, Section, Waiting, When } from "../parts/basic.tsx";
import { toHash } from "../route.ts";

const wakes = ({ type }: { readonly type: string }) => type.startsWith("approval.") || type === "run.killed";

export function Approvals() {
  const open = useResource<ApprovalList>("/v1/approvals?limit=100", { wakes });
  const all = useResource<ApprovalList>("/v1/approvals?all=1&limit=50", { wakes });
  const missing = findMissing(open, all), waiting = open.data?.items ?? [];
  const decided = all.data?.items.filter((each) => !each.open) ?? [];
  return (
    <>
      <h1 tabIndex={-1}>Approvals</h1>
      {missing !== null ? <Waiting error={missing.error} rows={8} /> : (
        <>
          <Section title="Wait for a decision" count={waiting.length}>
            {waiting.length === 0 ? <Empty>Nothing waits for a decision.</Empty> : <RequestTable items={waiting} />}
          </Section>
          <Section title="Decided">
            {decided.length === 0 ? <Empty>Nothing was decided yet.</Empty> : <RequestTable items={decided} />}
          </Section>
        </>
      )}
    </>
  );
}

function RequestTable({ items }: { readonly items: ApprovalList["items"] }) {
  return (
    <table class="table">
      <thead>
        <tr>
          <th>State</th>
          <th class="grow">What</th>
          <th>Workflow</th>
          <th class="wide">Decision</th>
          <th class="right">Asked</th>
          <th class="right">Until</th>
        </tr>
      </thead>
      <tbody>
        {items.map((each) => (
          <tr key={each.id}>
            <td>
              <Chip status={each.state} tone={each.open ? "wait" : undefined} />
            </td>
            <td class="grow">
              <a class="cut" href={toHash("approvals", each.id)}>{each.title}</a>
            </td>
            <td class="mono">
              <a href={toHash("runs", each.runId)}>{each.workflow}</a>
            </td>
            <td class="wide">
              {each.decision === null ? <span class="dim">{each.options.join(" / ")}</span> : (
                <>
                  {each.decision} <span class="dim">{each.by === null ? each.how : `by ${each.by}`}</span>
                </>
              )}
            </td>
            <td class="right">
              <When at={each.created} />
            </td>
            <td class="right">
              <When at={each.open ? each.expires : null} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function ApprovalPageOf({ id }: { readonly id: string }) {
  const path = `/v1/approvals/${segment(id)}`;
  const approval = useResource<Approval>(path, { wakes: (row) => wakes(row) || row.refId === id });
  const list = useResource<ApprovalList>("/v1/approvals?limit=1"), mayAct = useMayAct();
  if (approval.data === null || list.data === null) {
    return (
      <>
        <h1 tabIndex={-1}>Request</h1>
        <Waiting error={approval.error ?? list.error} rows={8} />
      </>
    );
  }
  const shown = approval.data, people = shown.approvers ?? list.data.approvers;
  return (
    <>
      <div class="head">
        <div>
          <h1 tabIndex={-1}>
            {shown.title} <Chip status={shown.state} tone={shown.open ? "wait" : undefined} />
          </h1>
          <p class="dim mono id">{shown.id}</p>
        </div>
      </div>
      <Who approval={shown} people={people} />
      <Section title="What is decided on">
        <pre class="body" tabIndex={0}>{shown.body === "" ? shown.title : shown.body}</pre>
        <p class="digest">
          <span class="dim">digest</span> <code>{shown.digest}</code>
        </p>
      </Section>
      {!shown.open
        ? <Decided approval={shown} />
        : people.length > 0 || shown.approvers !== null
        ? <Signed approval={shown} />
        : shown.kind === "recovery"
        ? <ByCommand approval={shown} />
        : !mayAct
        ? <ByReader approval={shown} />
        : <Decide approval={shown} onDone={approval.reload} />}
    </>
  );
}

function Who({ approval, people }: { readonly approval: Approval; readonly people: readonly string[] }) {
  return (
    <dl class="facts across">
      <Fact name="Run">
        <a class="mono" href={toHash("runs", approval.runId)}>{approval.workflow}</a>, round {approval.round},{" "}
        <span class="mono">{approval.role}</span>
      </Fact>
      <Fact name="Waits since">
        <When at={approval.created} />
      </Fact>
      <Fact name="Until">
        {approval.expires === null ? <span class="dim">a person decides</span> : (
          <>
            <When at={approval.expires} />, then <span class="mono">{approval.onExpiry}</span>
          </>
        )}
      </Fact>
      <Fact name="Who decides">
        {people.length > 0
          ? people.join(", ")
          : approval.approvers === null
          ? "anyone who may use this daemon"
          : "nobody: no such approver in nerve.yaml"}
      </Fact>
    </dl>
  );
}

function Decided({ approval }: { readonly approval: Approval }) {
  const { decision, by, how, decided, comment, key } = approval;
  if (decision === null) return <Empty>It cannot be decided any more: its run has ended.</Empty>;
  return (
    <Section title="Decision">
      <dl class="facts across">
        <Fact name="Decided">
          <b>{decision}</b>
        </Fact>
        <Fact name="By">{by ?? (how === "expiry" ? "its expiry" : "a person")}</Fact>
        <Fact name="When">{decided === null ? "–" : formatDateTime(decided)}</Fact>
        {key === null ? null : (
          <Fact name="Key">
            <code>{key}</code>
          </Fact>
        )}
        {comment === null ? null : <Fact name="Comment">{comment}</Fact>}
      </dl>
    </Section>
  );
}

function Decide({ approval, onDone }: { readonly approval: Approval; readonly onDone: () => void }) {
  const action = useAction(), [comment, setComment] = useState(""), [by, setBy] = useState("");
  // The same token at every retry, so that a decision whose answer was lost counts once.
  const token = useRef(makeToken());
  const { id, digest, options } = approval;
  const decide = (option: string) =>
    void action.run(async () => {
      const body = { option, digest, token: token.current, ...comment && { comment }, ...by && { by } };
      await post<DecisionReply>(`/v1/approvals/${segment(id)}/decision`, body);
      onDone();
    });
  return (
    <Section title="Decide">
      <form class="decide" onSubmit={(event) => event.preventDefault()}>
        <label class="field">
          Your name <span class="dim">(optional)</span>
          <input
            value={by}
            maxLength={64}
            autoComplete="username"
            onInput={({ currentTarget }) => setBy(currentTarget.value)}
          />
        </label>
        <label class="field grow">
          Comment <span class="dim">(optional)</span>
          <input value={comment} onInput={({ currentTarget }) => setComment(currentTarget.value)} />
        </label>
        <div class="buttons">
          {options.map((option) => (
            <button
              key={option}
              type="button"
              class={option === "approve" ? "primary" : option === "reject" || option === "abort" ? "danger" : ""}
              disabled={action.busy}
              onClick={() => decide(option)}
            >
              {option}
            </button>
          ))}
        </div>
      </form>
      {action.error === null ? null : <Failure error={action.error} />}
    </Section>
  );
}

/** Quotes a word for the shell. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function Signed({ approval: { id, options, digest } }: { readonly approval: Approval }) {
  return (
    <Section title="Decide">
      <p>A decision needs the signature of an approver. Run one of these where your key is:</p>
      {options.map((option) => (
        <Command
          key={option}
          text={`nerve approve ${quote(id)} --option ${quote(option)} --digest ${digest} --key ~/.ssh/id_ed25519`}
        />
      ))}
    </Section>
  );
}

function ByReader({ approval: { id, options, digest } }: { readonly approval: Approval }) {
  return (
    <Section title="Decide">
      <p>This session may only read. Decide in the workspace:</p>
      {options.map((option) => (
        <Command
          key={option}
          text={`nerve approve ${quote(id)} --option ${quote(option)} --digest ${digest}`}
        />
      ))}
    </Section>
  );
}

function ByCommand({ approval: { id, digest } }: { readonly approval: Approval }) {
  const start = `nerve approve ${quote(id)} --digest ${digest} --option`;
  return (
    <Section title="Decide">
      <p>It is not known whether the role has done its work. Look at what it works on, then say so:</p>
      <Command text={`${start} retry`} />
      <Command text={`${start} done --content "what it did"`} />
      <Command text={`${start} fail`} />
    </Section>
  );
}
