/** Senses that never return: how they are killed, what is reported, and that no other sense is disturbed. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** Long enough to load the module on a busy machine: a module that is not loaded in time is not killed for it. */
const short = { timeout: "1s", grace_period: "100ms" };
const forever = "const forever = () => new Promise(() => {});\n";

/** Each blocks the thread, so that no abort can reach it. */
const blockers: Readonly<Record<string, string>> = {
  "loop": "for (;;);",
  "catching-loop": "for (;;) try { throw 1 } catch { continue }",
  "regex": "/^(a+)+$/.test('a'.repeat(60) + '!');",
  "atomics": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
  "microtasks": "const again = (): Promise<void> => Promise.resolve().then(again); await again();",
};

long.test("a sense that blocks its thread is killed after its timeout and grace period, whatever it does", async () => {
  const senses: Record<string, string> = {
    steady: "let n = 0; export const compute = () => ({ n: ++n });",
    endless: "export function compute({ log }) { log('info', 'blocked'); for (;;); }",
  };
  for (const [name, body] of Object.entries(blockers)) {
    senses[name] = `export async function compute() { ${body} }`;
  }
  const yaml = {
    senses: Object.fromEntries(Object.keys(senses).map((name) => [name, name in blockers ? short : {}])),
    reflexes: [{ sense: "steady", interval: "50ms" }],
  };
  await using workspace = await startWorkspace({ yaml, senses });
  await workspace.signal("steady");
  const results = await Promise.all(Object.keys(blockers).map((name) => workspace.trigger(name)));
  for (const [index, name] of Object.keys(blockers).entries()) {
    assert.deepEqual(results[index], { kind: "timeout", afterMs: 1_000, killed: true }, name);
    const { message } = await workspace.change(`group:${name}`, "died");
    assert.match(message, new RegExp(`was killed: sense ${name} did not return within 1s and a grace period of 100ms`));
    assert.match((await workspace.problem(`sense:${name}`, /did not finish/)).message, /1s; its process was killed/);
    const [row] = await workspace.rows({ source: `group:${name}`, type: "group.died" });
    assert.equal((row?.payload as { end: string }).end, "timeout");
  }
  const blocked = workspace.trigger("endless");
  await workspace.log("sense:endless", /blocked/);
  for (let ticks = 0; ticks < 3; ticks++) await workspace.signal("steady", workspace.events.length);
  assert.equal(workspace.unit("endless").deaths, 0, "the other group's ticks go on while it blocks its thread");
  Deno.kill(workspace.pid("endless"), "SIGKILL");
  assert.equal((await blocked).kind, "group_down");
  assert.equal(workspace.sense("steady").counters.error + workspace.sense("steady").counters.group_down, 0);
  assert.equal(workspace.unit("steady").deaths, 0);
});

Deno.test("a compute that stops within its grace period is a timeout, and its process lives", async () => {
  const patient = { ...short, grace_period: "20s", group: "g" };
  await using workspace = await startWorkspace({
    yaml: { senses: { polite: patient, late: patient, sibling: { group: "g" } } },
    senses: {
      polite: `${forever}export function compute({ signal }) {
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }`,
      late: `export function compute({ signal }) {
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve({ saved: String(signal.reason) })));
      }`,
      sibling: "export const compute = () => 1;",
    },
  });
  assert.deepEqual(await workspace.trigger("polite"), { kind: "timeout", afterMs: 1_000, killed: false });
  const pid = workspace.pid("g");
  assert.deepEqual(await workspace.payload("late"), {
    saved: "AbortError: compute did not finish within 1s",
  }, "what it still had to say counts");
  assert.equal(await workspace.payload("sibling"), 1);
  assert.equal(workspace.pid("g"), pid);
  assert.equal(workspace.sense("polite").counters.timeout, 1);
});

long.test("a compute that ignores its signal is killed even when it blocks nothing", async () => {
  await using workspace = await startWorkspace({
    yaml: { senses: { deaf: short } },
    senses: { deaf: `${forever}export const compute = () => forever();` },
  });
  assert.deepEqual(await workspace.trigger("deaf"), { kind: "timeout", afterMs: 1_000, killed: true });
});

long.test("a group restarts after its backoff; five deaths quarantine it", async () => {
  const deadly = `export const compute = ({ config, db, sqlite }) => {
    sqlite.exec("create table if not exists t (n); insert into t values (1)");
    const { n } = sqlite.prepare("select count(*) as n from t").get();
    if (n <= 5) for (;;);
    return { n };
  };`;
  await using workspace = await startWorkspace({
    yaml: { senses: { deadly: { timeout: "20ms", grace_period: "10ms" }, other: {} } },
    senses: { deadly, other: "export const compute = () => 1;" },
  });
  const seen = new Set<string>();
  for (let death = 1; death <= 5; death++) {
    const from = workspace.events.length;
    // While it waits for its backoff a trigger is answered at once, and costs nothing.
    for (let killed = false; !killed;) {
      const result = await workspace.trigger("deadly");
      killed = result.kind === "timeout" && result.killed;
      if (result.kind === "group_down") seen.add(result.message.replace(/\d+ms/g, ""));
      if (result.kind === "group_down") await workspace.payload("other");
    }
    await workspace.change("group:deadly", "died", from);
  }
  assert.ok([...seen].some((message) => /starts again shortly/.test(message)), [...seen].join());
  const { message } = await workspace.change("group:deadly", "quarantined");
  assert.match(message, /died 5 times in 60 s, the last time it was killed: sense deadly did not return/);
  const { state, reason, deaths, pid } = workspace.unit("deadly");
  assert.deepEqual({ state, deaths, pid }, { state: "quarantined", deaths: 5, pid: null });
  assert.equal(message, `${reason}; it stays down until its files change: nerve sense reset deadly lets it run again`);
  assert.match(workspace.sense("deadly").problem ?? "", /^quarantined: died 5 times/);
  assert.equal((await workspace.rows({ source: "group:deadly", type: "group.quarantined" })).length, 1);
  const down = await workspace.trigger("deadly");
  assert.match(down.kind === "group_down" ? down.message : "", /^quarantined: died 5 times/);
  assert.equal(workspace.unit("deadly").state, "quarantined", "a trigger does not lift it");
});
