/**
 * A process that sends messages about other units, or nonsense: what an escaped sandbox could do. The danger would show
 * as a signal, a log row or a message under another's name, or as a kernel that dies or stalls.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { hostile, HostileProcesses } from "../../support/hostile_processes.ts";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, runEnd } from "../../support/workflow_life.ts";
import { heardLater, startWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const senses = { bad: "export const compute = () => 1;", victim: "export const compute = () => ({ fine: 1 });" };
const yaml = { senses: { bad: hostile, victim: {} }, reflexes: [{ sense: "victim", interval: "20ms" }] };
const log = `{ level: "info", message: "forged", data: null }`;

function hostileWorkspace(): Promise<WorkspaceFixture> {
  return startWorkspace({ yaml, senses });
}

/** The victim is unharmed: its computes continue, and each gave its own value. */
async function victimIsFine(workspace: WorkspaceFixture): Promise<void> {
  const from = workspace.events.length;
  await workspace.signal("victim", from);
  const { counters } = workspace.sense("victim");
  assert.equal(counters.error + counters.group_down + counters.timeout, 0);
  assert.equal(workspace.unit("victim").deaths, 0);
  const signals = await workspace.rows({ source: "sense:victim", type: "sense.signal" });
  for (const { payload } of signals) assert.deepEqual(Object(payload).payload, { fine: 1 });
}

Deno.test("messages of a process about others are rejected, counted and logged; those about itself still count", async () => {
  using _processes = new HostileProcesses({
    bad: `
      await say({ t: "ready" });
      const { id } = await hearA("compute");
      for (let other = 0; other < id + 50; other++) {
        if (other !== id) await say({ t: "outcome", id: other, outcome: { kind: "value", value: "forged" } });
      }
      await say({ t: "loaded", name: "victim", problems: [{ message: "forged", place: null }] });
      await say({ t: "log", of: "victim", ...${log} });
      await say({ t: "log", of: "nobody", ...${log} });
      await say({ t: "message", runId: "r1", attempt: 1, round: 1, role: "a", content: "forged", meta: {} });
      await say({ t: "finished", runId: "r1", attempt: 1, outcome: { kind: "completed" } });
      await say({ t: "outcome", id, outcome: { kind: "value", value: "mine" } });
      await say({ t: "outcome", id, outcome: { kind: "value", value: "again" } });
      await hearA("end");`,
  });
  await using workspace = await hostileWorkspace();
  await workspace.signal("victim");
  assert.equal(await workspace.payload("bad"), "mine");
  await victimIsFine(workspace);
  // 50 outcomes and one repeated, one load, two log rows, a message and an end of a run. Ids of computes count from 1.
  assert.ok((workspace.health().counters.refused ?? 0) >= 55, JSON.stringify(workspace.health().counters));
  assert.deepEqual(await workspace.rows({ source: "sense:victim", type: "sense.load_failed" }), []);
  assert.deepEqual(await workspace.rows({ source: "sense:victim", type: "sense.log" }), []);
  assert.equal((await workspace.rows({ type: "run.message" })).length, 0);
  await workspace.log("group:bad", /claimed to have loaded victim, which is not its own; rejected/);
  await workspace.log("group:bad", /claimed a message of run r1, which is not its own; rejected/);
  const rows = await workspace.rows({ source: "group:bad", type: "group.said" });
  assert.ok(rows.length === 5, `${rows.length} rows report it, not one each`);
  assert.equal(workspace.unit("bad").deaths, 0);
});

/** Each violation of the protocol at once ends the process. */
const broken: Readonly<Record<string, [string, RegExp]>> = {
  "garbage": [`await write("not json\\n");`, /the line does not begin like a message/],
  "half a line": [`await write('{"t":"log",\\n');`, /JSON/],
  "two kinds": [
    `await write('{"t":"stray","message":"x","place":null,"t":"ready"}\\n');`,
    /the line names two kinds of message/,
  ],
  "binary": [`await socket.write(Uint8Array.of(0, 255, 254, 10));`, /broke the protocol/],
  "an empty line": [`await write("\\n");`, /broke the protocol/],
  "null": [`await write("null\\n");`, /broke the protocol/],
  "an unknown kind": [`await say({ t: "init", spec: {} });`, /broke the protocol/],
  "a wrong shape": [`await say({ t: "outcome", id: "1", outcome: { kind: "null" } });`, /broke the protocol: id/],
  "a line without end": [
    `const chunk = "x".repeat(2 ** 20); for (let n = 0; n < 12; n++) await write(chunk);`,
    /a line is longer than 8388608 bytes/,
  ],
  "a payload over its limit": [
    `await say({ t: "outcome", id: 1, outcome: { kind: "value", value: "x".repeat(400_000) } });`,
    /outcome is longer than \d+ bytes/,
  ],
  "a log row over its limit": [
    `await say({ t: "log", of: name, level: "info", message: "x".repeat(1e6), data: null });`,
    /log is longer than \d+ bytes/,
  ],
  "a value that nobody can walk": [
    `await write('{"t":"outcome","id":1,"outcome":{"kind":"value","value":' + "[".repeat(50_000) + "]".repeat(50_000) + "}}\\n");`,
    /nested too deeply/,
  ],
  "a closed connection": [
    `socket.close(); setInterval(() => {}, 1_000); await new Promise(() => {});`,
    /closed its connection but did not exit/,
  ],
  "a fault": [`await say({ t: "fault", message: "x".repeat(5_000) });`, /ended because of an error: x{2000}$/],
};

long.test("a process that breaks the protocol is killed, and the kernel says how it was broken", async () => {
  const names = Object.keys(broken).map((words) => words.replaceAll(" ", "-"));
  const bodies = Object.values(broken).map(([body]) =>
    `await say({ t: "ready" });\nawait hearA("compute");\n${body}\nawait hear();`
  );
  using _processes = new HostileProcesses(Object.fromEntries(names.map((name, index) => [name, bodies[index] ?? ""])));
  await using workspace = await startWorkspace({
    yaml: {
      senses: { ...Object.fromEntries(names.map((name) => [name, hostile])), victim: {} },
      reflexes: [{ sense: "victim", interval: "20ms" }],
    },
    senses: { ...Object.fromEntries(names.map((name) => [name, senses.bad])), victim: senses.victim },
  });
  for (const [index, [, expected]] of Object.values(broken).entries()) {
    const name = names[index] ?? "";
    const result = await workspace.trigger(name);
    assert.equal(result.kind, "group_down", name);
    const { message } = await workspace.change(`group:${name}`, "died");
    assert.match(message, expected, name);
    assert.ok(message.length < 2_500);
  }
  await victimIsFine(workspace);
});

long.test("a flood of lines neither stops the kernel nor fills the log, and others keep running", async () => {
  // It continues, 10,000 lines and more, until the test has seen enough.
  using _processes = new HostileProcesses({
    bad: `
      await say({ t: "ready" });
      const { id } = await hearA("compute");
      const line = JSON.stringify({ t: "log", of: "victim", level: "info", message: "flood", data: null }) + "\\n";
      const enough = () => { try { Deno.statSync("enough"); return true; } catch { return false; } };
      let lines = 0;
      for (; lines < 10_000 || !enough(); lines += 100) await write(line.repeat(100));
      await say({ t: "outcome", id, outcome: { kind: "value", value: lines } });
      await hearA("end");`,
  });
  await using workspace = await hostileWorkspace();
  await workspace.signal("victim");
  const flood = heardLater(workspace.payload("bad")), refused = () => workspace.health().counters.refused ?? 0;
  const begun = async () => {
    while (refused() === 0) await delay(systemClock, 1);
  };
  await within(begun(), "the flood to begin");
  for (let signals = 0; signals < 2; signals++) await workspace.signal("victim", workspace.events.length);
  workspace.write("enough", "");
  const lines = await flood;
  assert.ok(Number(lines) >= 10_000);
  assert.equal(refused(), lines);
  assert.ok((await workspace.rows({ source: "group:bad", type: "group.said" })).length <= 2);
  await victimIsFine(workspace);
});

long.test("a process without a token, or one that ends before its first message, is just a death", async () => {
  using _processes = new HostileProcesses({ bad: `Deno.exit(7);` });
  await using workspace = await hostileWorkspace();
  const result = await workspace.trigger("bad");
  assert.match(result.kind === "group_down" ? result.message : "", /exited with code 7/);
  await victimIsFine(workspace);
});

long.test("a sense that forges messages through its own output affects only its own group", async () => {
  // The sense may replace JSON.stringify: the line that it makes names a second kind, and JSON.parse takes the last
  // one.
  const forging = `export function compute() {
    const real = JSON.stringify;
    JSON.stringify = () => {
      JSON.stringify = real;
      return '1},"t":"log","of":"victim","level":"info","message":"forged","data":{"a":{"b":1}';
    };
    return { forged: true };
  }`;
  await using workspace = await startWorkspace({
    yaml: { senses: { forger: {}, victim: {} }, reflexes: yaml.reflexes },
    senses: { forger: forging, victim: senses.victim },
  });
  const result = await workspace.trigger("forger");
  assert.match(result.kind === "group_down" ? result.message : result.kind, /the line names two kinds of message/);
  assert.deepEqual(await workspace.rows({ source: "sense:victim", type: "sense.log" }), []);
  await victimIsFine(workspace);
});

long.test("a workflow's process can report only about its own runs", async () => {
  using _processes = new HostileProcesses({
    bad: `
      await say({ t: "ready" });
      await hearA("run");
      await say({ t: "message", runId: "v1", attempt: 1, round: 1, role: "one", content: "forged", meta: {} });
      await say({ t: "finished", runId: "v1", attempt: 1, outcome: { kind: "failed", message: "forged", place: null } });
      await say({ t: "log", of: "v1", ...${log} });
      await say({ t: "log", of: "victim", ...${log} });
      await say({ t: "outcome", id: 1, outcome: { kind: "value", value: "forged" } });
      await say({ t: "finished", runId: "b1", attempt: 1, outcome: { kind: "completed" } });
      await hearA("end");`,
  });
  await using workspace = await startWorkspace({
    yaml: { workflows: { bad: hostile, victim: gated.settings } },
    workflows: { bad: gated.text(), victim: gated.text() },
  });
  closeGate(workspace);
  await atWork(workspace, "victim", "v1");
  await workspace.kernel.startWorkflow("bad", { runId: "b1" });
  assert.equal((await runEnd(workspace, "b1")).status, "completed");
  openGate(workspace);
  assert.equal((await runEnd(workspace, "v1")).status, "completed");
  const { records } = workspace.kernel.api;
  assert.deepEqual(records.messages("v1", { limit: 10 }).map(({ content }) => content), ["passed"]);
  assert.equal((await workspace.rows({ source: "workflow:bad", type: "run.refused" })).length, 2);
  assert.equal(workspace.health().counters.refused, 3);
  assert.deepEqual(await workspace.rows({ source: "workflow:bad", type: "run.log" }), []);
});
