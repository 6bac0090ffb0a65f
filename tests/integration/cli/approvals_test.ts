/** `nerve approvals`, `approve` and `reject`, with a real kernel, and what `status`, `why` and `inspect` say of a gate. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { runEnd } from "../../support/workflow_life.ts";

const ask = `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({
  roles: {
    ask: gate({ title: ({ start }) => "Remove " + start.prompt + "?", body: "- a\\n- b", options: ["approve", "reject", "later"] }),
    say: ({ messages }) => ({ content: "did " + messages[0]?.content, meta: {} }),
  },
  moderator: ({ messages }) => (["ask", "say"] as const)[messages.length] ?? END,
});
`;

Deno.test("a person sees what waits, decides it, and sees what was decided", async () => {
  await using served = await serveWorkspace({ yaml: { workflows: { w: { concurrency: 9 } } }, workflows: { w: ask } });
  const { workspace } = served, { kernel } = workspace;
  for (const [runId, prompt] of [["r1", "3 images"], ["r2", "\x1b[31mred"], ["r3", "x"]] as const) {
    const from = workspace.events.length;
    await kernel.startWorkflow("w", { runId, prompt });
    await workspace.run("waiting", from);
  }
  const list = await served.nerve("approvals");
  assert.match(list.out, /r1:ask::1 +w +open +\S.* +- +Remove 3 images\?/);
  assert.ok(!list.out.includes("\x1b"), "what user code says prints as text");
  assert.match(list.out, /3 requests for a decision/);
  const one = await served.nerve("approvals", "r1");
  assert.match(one.out, /Remove 3 images\?\n/);
  assert.match(one.out, /options +approve, reject, later\n/);
  assert.match(one.out, /\n- a\n- b\n\nnext: nerve approve r1:ask::1, nerve reject r1:ask::1\n$/);
  assert.match((await served.nerve("status")).out, /3 requests for a decision, the oldest since .*: nerve approvals/);
  const why = (await served.nerve("why", "r1")).out;
  assert.match(why, /now: role ask waits for a decision: Remove 3 images\?\nit waits for a person since .*\)\n/);
  assert.match(
    (await served.nerve("workflow", "inspect", "r1")).out,
    /next: nerve approvals r1:ask::1, or nerve workflow/,
  );

  const approved = await served.nerve("approve", "r1:ask::1", "--comment", "go on", "--token", "t");
  assert.deepEqual([approved.code, approved.err], [0, ""]);
  assert.match(approved.out, /request r1:ask::1 is decided: approve\n/);
  await runEnd(workspace, "r1");
  const again = await served.nerve("approve", "r1:ask::1", "--token", "t");
  assert.match(again.out, /was decided so before: approve/);
  const other = await served.nerve("reject", "r1:ask::1");
  assert.deepEqual([other.code, other.out], [1, ""]);
  assert.match(other.err, /was decided: approve/);
  assert.match((await served.nerve("why", "r1")).out, /👉 .+ decided approve: Remove 3 images\? \(2.*; "go on"\)\n/);
  assert.match((await served.nerve("approvals", "r1:ask::1")).out, /decision approve, by .*\n +comment +go on\n/);

  const stale = await served.nerve("approve", "r2", "--digest", "0".repeat(64));
  assert.deepEqual([stale.code, /about something else/.test(stale.err)], [1, true]);
  const unknown = await served.nerve("approve", "r2", "--option", "maybe");
  assert.deepEqual([unknown.code, /there are: approve, reject, later/.test(unknown.err)], [2, true]);
  assert.equal((await served.nerve("approve", "r2", "--option", "later")).code, 0);
  assert.equal((await served.nerve("reject", "r3", "--comment", "not now")).code, 0);
  for (const id of ["r2", "r3"]) await runEnd(workspace, id);
  const messages = kernel.api.records.messages("r3", {});
  assert.match(messages[1]?.content ?? "", /^did reject.*: not now$/);
  const all = (await served.nerve("approvals", "--all")).out;
  assert.match(all, /r3:ask::1 +w +rejected .*\n.*r2:ask::1 +w +decided: later .*\n.*r1:ask::1 +w +approved /);
  assert.match((await served.nerve("approvals")).out, /0 requests for a decision|no requests/);
  await served.stop();
  assert.match((await served.nerve("approvals", "--all")).out, /3 requests/);
  const down = await served.nerve("approve", "r1:ask::1");
  assert.equal(down.code, 3);
});

long.test("a person sees a role with an unknown end, and supplies its message", async () => {
  const once = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: {
    charge: { effect: "once", run: () => { throw new Error("no answer"); } },
    say: ({ messages }) => ({ content: "paid with " + messages[0]?.meta.id, meta: {} }),
  },
  moderator: ({ messages }) => (["charge", "say"] as const)[messages.length] ?? END,
});
`;
  await using served = await serveWorkspace({ workflows: { w: once } });
  const { workspace } = served, { kernel } = workspace;
  await kernel.startWorkflow("w", { runId: "r" });
  await workspace.run("waiting");
  const title = "Role charge failed, and how far it came is unknown: run it again?";
  assert.ok((await served.nerve("approvals")).out.includes(title.slice(0, 50)));
  const shown = await served.nerve("approvals", "r");
  assert.match(shown.out, /request +r:charge:recovery:1\n/);
  assert.match(shown.out, /options +retry, done, fail\n[^]*what happened: no answer \([^]*key: `r:1`/);
  assert.match((await served.nerve("why", "r")).out, /it waits for a person since/);
  const refused: [RegExp, number, string[]][] = [
    [/"approve" is not an option.*\n.*retry, done, fail/, 2, []],
    [/the message of the role is missing/, 1, ["--option", "done"]],
    [/--meta is not JSON/, 2, ["--option", "done", "--content", "x", "--meta", "{"]],
    [/--meta is not a JSON object/, 2, ["--option", "done", "--content", "x", "--meta", "[]"]],
    [/takes no content and no meta/, 1, ["--option", "retry", "--content", "x"]],
  ];
  for (const [message, code, args] of refused) {
    const result = await served.nerve("approve", "r", ...args);
    assert.deepEqual([result.code, message.test(result.err)], [code, true], result.err);
  }
  const from = workspace.events.length;
  assert.equal((await served.nerve("approve", "r", "--option", "retry")).code, 0);
  await workspace.run("waiting", from);
  const done = ["--option", "done", "--content", "charged", "--meta", '{"id":"ch_1"}'];
  assert.equal((await served.nerve("approve", "r", ...done)).code, 0);
  await runEnd(workspace, "r");
  assert.deepEqual(kernel.api.records.messages("r", {}).map(({ content }) => content), ["charged", "paid with ch_1"]);
  const inspected = await served.nerve("workflow", "inspect", "r");
  const attempts = [...inspected.out.matchAll(/^(\d+) +\S+ \S+ +\d+ +\S/gm)].map(([, attempt]) => attempt);
  assert.deepEqual(attempts.slice(0, 3), ["1", "2", "3"], inspected.out);
  const followed = (await served.nerve("workflow", "follow", "r")).out;
  assert.match(followed, /role charge begins in round 1, once/);
  const forked = await served.nerve("workflow", "fork", "r", "--from", "1", "--id", "again");
  assert.match(forked.err, /role charge, which runs once, began in round 1 of run r: it may begin again in this one/);
});
