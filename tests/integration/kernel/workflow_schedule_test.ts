/** A workflow with a clock of its own, in a kernel with real processes, seen through the command line. */
import assert from "node:assert/strict";
import { serveWorkspace } from "../../support/served_workspace.ts";

const say = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: ({ start }) => ({ content: start.prompt + " by " + start.trigger.kind, meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
});\n`;

Deno.test("a schedule starts runs that a restart neither loses nor repeats, and why tells the tick", async () => {
  await using served = await serveWorkspace({
    workflows: { say },
    yaml: `workflows:
  say: { schedule: [{ cron: "* * * * * *", prompt: tick }, { cron: "0 9 * * 1", timezone: Europe/Berlin }] }
`,
  });
  const { workspace } = served, { run } = await workspace.run("completed");
  assert.deepEqual([run.prompt, run.trigger.kind, run.workflow], ["tick", "schedule", "say"]);
  const why = await served.nerve("why", run.runId);
  assert.match(why.out, /run \S+ of say was (started|queued)\n.* because ⏰ say was due at .* by \* \* \* \* \* \*\n/);
  assert.match(why.out, /\nthat was its schedule; /);
  assert.match(
    (await served.nerve("workflow", "inspect", run.runId)).out,
    /started by +its schedule \(\* \* .*, row \d+/,
  );
  const list = await served.nerve("workflow", "list");
  assert.match(
    list.out,
    /NEXT +SCHEDULE\n.*say .*(now|in 1s) +cron \* \* \* \* \* \*; cron 0 9 \* \* 1 \(Europe\/Berlin\)/,
  );
  assert.match((await served.nerve("workflow", "thread", run.runId)).out, /tick by schedule/);

  await served.stop();
  await workspace.start();
  const from = workspace.events.length;
  await workspace.run("completed", from);
  await served.stop();
  const rows = JSON.parse(
    (await served.nerve("events", "--type", "workflow.due", "--json", "--limit", "1000")).out
      .trim().split("\n").reduce((all, line) => `${all}${all === "[" ? "" : ","}${line}`, "[") + "]",
  ) as {
    payload: { due: number; runId: string };
  }[];
  const dues = rows.map(({ payload }) => payload.due);
  assert.equal(new Set(dues).size, dues.length, "a tick came twice");
  const { runs } = JSON.parse((await served.nerve("workflow", "list", "--all", "--json", "--limit", "1000")).out);
  assert.deepEqual(
    runs.items.map(({ runId }: { runId: string }) => runId).sort(),
    rows.map(({ payload }) => payload.runId).sort(),
  );
});

Deno.test("a schedule that is wrong is told with its place", async () => {
  const yaml = `workflows:
  say:
    schedule:
      - { cron: "0 9 * *", prompt: p }
      - { cron: "@daily", timezone: Mars/Olympus, catchup: once }
      - { timezone: UTC }
`;
  await using served = await serveWorkspace({ workflows: { say } });
  served.workspace.write("nerve.yaml", yaml);
  const { out } = await served.nerve("validate", "--no-types", "--format", "text");
  assert.match(out, /nerve\.yaml:4:\d+ error workflows\.say\.schedule\[0\]\.cron: "0 9 \* \*" is not a cron line/);
  assert.match(
    out,
    /nerve\.yaml:5:\d+ error workflows\.say\.schedule\[1\]\.timezone: "Mars\/Olympus" is not a time zone/,
  );
  assert.match(out, /nerve\.yaml:5:\d+ error workflows\.say\.schedule\[1\]\.catchup: .*\n? *.*catch_up/);
  assert.match(out, /nerve\.yaml:6:\d+ error workflows\.say\.schedule\[2\]: has no cron/);
});
