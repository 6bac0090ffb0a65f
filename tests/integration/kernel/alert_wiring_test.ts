/**
 * Alerts through the whole kernel: from the signal of a sense to the run of a workflow and to a sense that listens to the
 * alert, across a reload and a restart.
 */
import assert from "node:assert/strict";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import type { AlertNotice } from "../../../src/protocol/alert.ts";
import { openRecords } from "../../../src/cli/open_records.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const told = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { tell: ({ start }) => ({ content: start.prompt, meta: start.payload }) },
  moderator: ({ messages }) => messages.length === 0 ? "tell" : END,
});`;
const disk = `let n = 0;
export const compute = ({ config }) => ({ path: "/", used: config.used[n++ % config.used.length] });`;
const ear = `export const compute = ({ trigger }) =>
  ({ heard: trigger.signals.map(({ sense, payload }) => sense + " " + payload.state) });`;

function yamlOf(used: number[], alert: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    senses: { disk: { config: { used } }, ear: {} },
    reflexes: [{ sense: "ear", on: ["full"] }],
    workflows: { told: { concurrency: 10 } },
    alerts: {
      full: {
        sense: "disk",
        when: "signal.used > 0.9",
        key: "signal.path",
        workflow: "told",
        summary: "{{ key }} is {{ round(signal.used * 100) }}% full",
        ...alert,
      },
    },
  };
}

const files = { senses: { disk, ear }, workflows: { told } };

/** The notices of the runs so far, once there are so many that have completed. */
async function notices(workspace: WorkspaceFixture, count: number): Promise<AlertNotice[]> {
  const ended = () => workspace.kernel.api.records.runs({ limit: 100, offset: 0, statuses: ["completed"] }).items;
  const complete = (event: KernelEvent) =>
    event.kind === "run" && event.run.status === "completed" && ended().length >= count;
  if (ended().length < count) await workspace.waitFor(complete, `${count} runs to complete`);
  return ended().toReversed().map(({ payload }) => payload as unknown as AlertNotice);
}

Deno.test("an alert starts its workflow when it fires and when it has resolved, and is a signal for those who listen", async () => {
  await using workspace = await startWorkspace({ yaml: yamlOf([0.95, 0.96, 0.5]), ...files });
  for (let n = 0; n < 3; n++) await workspace.trigger("disk");
  const [firing, resolved] = await notices(workspace, 2);
  assert.deepEqual([firing?.state, firing?.summary, firing?.key], ["firing", "/ is 95% full", "/"]);
  assert.deepEqual(firing?.signal, { path: "/", used: 0.95 });
  assert.deepEqual([resolved?.state, resolved?.summary, resolved?.since], ["resolved", "/ is 50% full", firing?.since]);
  await workspace.kernel.api.recorded();
  const rows = await workspace.rows({ source: "alert:full" });
  assert.deepEqual(rows.map(({ type }) => type), ["alert.firing", "alert.resolved"]);
  const [run] = workspace.kernel.api.records.runs({ limit: 1, offset: 1 }).items;
  assert.deepEqual([run?.trigger, run?.causeId], [{ kind: "alert", alert: "full" }, rows[0]?.id]);
  const heard = () =>
    workspace.events.flatMap((event) => {
      return event.kind === "signal" && event.signal.sense === "ear"
        ? (event.signal.payload as { heard: string[] }).heard
        : [];
    });
  if (heard().length < 2) await workspace.waitFor(() => heard().length >= 2, "both changes to be heard");
  assert.deepEqual(heard(), ["full firing", "full resolved"]);
  assert.deepEqual(workspace.kernel.health().alerts, { firing: 0, pending: 0 });
});

Deno.test("states outlive the kernel, and a reload that changes when keeps them", async () => {
  await using workspace = await startWorkspace({ yaml: yamlOf([0.95], { for: "1h" }), ...files });
  await workspace.trigger("disk");
  assert.deepEqual(workspace.kernel.health().alerts, { firing: 0, pending: 1 });
  const { since } = (await workspace.kernel.api.alerts.view("full")).states[0] ?? {};
  await workspace.stop();
  await workspace.start();
  assert.equal((await workspace.kernel.api.alerts.view("full")).states[0]?.since, since);
  workspace.write("nerve.yaml", JSON.stringify(yamlOf([0.95], { for: "1h", when: "signal.used > 0.99" })));
  const { changes } = await workspace.kernel.api.reload();
  assert.deepEqual(changes, [{ of: "alert:full", change: "changed" }]);
  assert.equal((await workspace.kernel.api.alerts.view("full")).states[0]?.status, "pending");
  await workspace.trigger("disk");
  assert.equal((await workspace.kernel.api.alerts.view("full")).states[0]?.status, "inactive");
  // Whoever is told of a state finds its row: read on a connection of its own, as a command does.
  using records = openRecords(workspace.paths);
  const [last] = records?.logs({ source: "alert:full", order: "desc", limit: 1 }) ?? [];
  assert.equal(last?.type, "alert.inactive");
  workspace.write("nerve.yaml", JSON.stringify({ ...yamlOf([0.95]), alerts: {}, reflexes: [] }));
  await workspace.kernel.api.reload();
  await assert.rejects(workspace.kernel.api.alerts.view("full"), { code: "ALERT_UNKNOWN" });
});

long.test("a sense that is removed while its alert fires: with its alert it ends, told by a row; alone it is refused", async () => {
  await using workspace = await startWorkspace({ yaml: yamlOf([0.95]), ...files });
  await workspace.trigger("disk");
  await notices(workspace, 1);
  const without = { ...yamlOf([0.95]), senses: { ear: {} } };
  workspace.write("nerve.yaml", JSON.stringify(without));
  const { changes, ...reply } = await workspace.kernel.api.reload();
  assert.deepEqual(changes, []);
  assert.match(JSON.stringify(reply), /there is no sense .*disk/);
  assert.equal((await workspace.kernel.api.alerts.view("full")).firing, 1);
  workspace.write("nerve.yaml", JSON.stringify({ ...without, alerts: {}, reflexes: [] }));
  await workspace.kernel.api.reload();
  await assert.rejects(workspace.kernel.api.alerts.view("full"), { code: "ALERT_UNKNOWN" });
  await workspace.kernel.api.recorded();
  const types = async () => (await workspace.rows({ source: "alert:full" })).map(({ type }) => type);
  assert.deepEqual(await types(), ["alert.firing", "alert.closed"]);
  assert.deepEqual(workspace.kernel.health().alerts, { firing: 0, pending: 0 });
  // Back again it is as new: it fires with the next signal that says so, and not before.
  workspace.write("nerve.yaml", JSON.stringify(yamlOf([0.95])));
  await workspace.kernel.api.reload();
  assert.equal((await workspace.kernel.api.alerts.view("full")).firing, 0);
  await workspace.trigger("disk");
  await workspace.kernel.api.recorded();
  assert.deepEqual(await types(), ["alert.firing", "alert.closed", "alert.firing"]);
  assert.deepEqual((await notices(workspace, 2)).map(({ state }) => state), ["firing", "firing"]);
});

long.test("a silence is on disk when it is answered", async () => {
  await using workspace = await startWorkspace({ yaml: yamlOf([0.95]), ...files });
  assert.deepEqual(await workspace.kernel.api.alerts.silence("full", { forMs: 3_600_000, by: "ada" }), { changed: 1 });
  await workspace.stop();
  await workspace.start();
  await workspace.trigger("disk");
  const view = await workspace.kernel.api.alerts.view("full");
  assert.deepEqual([view.silences.length, view.firing, view.counters.silenced], [1, 1, 1]);
  assert.deepEqual(await notices(workspace, 0), []);
});

long.test("a secret in a signal is masked in the rows of an alert, and reaches the workflow", async () => {
  Deno.env.set("ALERT_SECRET", "very-secret-value");
  const yaml = yamlOf([1], { summary: "{{ signal.word }}" });
  const senses = {
    disk: `export const compute = () => ({ path: "/", used: 1, word: Deno.env.get("ALERT_SECRET") });`,
    ear,
  };
  const granted = { ...yaml, senses: { disk: { permissions: { env: ["ALERT_SECRET"] } }, ear: {} } };
  await using workspace = await startWorkspace({ yaml: granted, senses, workflows: { told } });
  await workspace.trigger("disk");
  await notices(workspace, 1);
  await workspace.kernel.api.recorded();
  const [row] = await workspace.rows({ source: "alert:full" });
  assert.doesNotMatch(JSON.stringify(row), /very-secret-value/);
});
