/** `nerve alert` and `nerve why --alert` with a real daemon, and without one. */
import assert from "node:assert/strict";
import {
  alertListOutput,
  alertShowOutput,
  alertTestOutput,
  whyAlertOutput,
} from "../../../src/cli/render/alert_schemas.ts";
import { long } from "../../support/long_form.ts";
import { nerveCommand } from "../../support/nerve_program.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const disk = `let n = 0;
const all = [["/", 0.95], ["/var", 0.2], ["/home", 0.99], ["/", 0.5]];
export const compute = () => { const [path, used] = all[n++ % all.length]; return { path, used }; };`;
const yaml = `senses: { disk: {} }
alerts:
  full:
    sense: disk
    when: signal.used > 0.9
    key: signal.path
    severity: critical
    summary: "{{ key }} is {{ round(signal.used * 100) }}% full"
  soon: { sense: disk, when: signal.used > 0.1, for: 1h }
  gone: { sense: disk, absent: 1h }
`;

async function serveDisks(signals: number): Promise<ServedWorkspace> {
  const served = await serveWorkspace({ yaml, senses: { disk } });
  for (let n = 0; n < signals; n++) await served.workspace.trigger("disk");
  return served;
}

Deno.test("alert list and show tell what is pending and fires, with and without a daemon", async () => {
  await using served = await serveDisks(3);
  for (const daemon of [true, false]) {
    const { out } = await served.nerve("alert", "list");
    assert.match(out, /🔴 +full +critical +disk +\/: firing for \S.* +\/ is 95% full/);
    assert.match(out, /🔴 +\/home: firing for \S.* +\/home is 99% full/);
    assert.match(out, /🔶 +soon +warning +disk +pending for /);
    assert.match(out, /⚪ +gone +warning +disk +inactive/);
    const list = alertListOutput.parse(JSON.parse((await served.nerve("alert", "list", "--firing", "--json")).out));
    assert.deepEqual(list.items.map(({ name, firing }) => [name, firing]), [["full", 2]]);
    assert.equal(list.daemon, daemon);
    const show = await served.nerve("alert", "show", "full");
    assert.match(show.out, /full: critical, disk when signal\.used > 0\.9\n🔴 \/: firing for /);
    const shown = alertShowOutput.parse(JSON.parse((await served.nerve("alert", "show", "soon", "--json")).out));
    assert.equal(shown.alert.states[0]?.status, "pending");
    const none = await served.nerve("alert", "show", "ful");
    assert.match(none.err, /there is no alert "ful"\n {3}there are: full, soon, gone/);
    if (daemon) await served.stop();
  }
});

long.test("silence, ack and unsilence are told to the daemon, and shown", async () => {
  await using served = await serveDisks(3);
  const silence = await served.nerve("alert", "silence", "full=/home", "--for", "8h", "--comment", "moving it");
  assert.match(silence.out, /💤 full=\/home starts no workflow for 8h/);
  assert.match(
    (await served.nerve("alert", "show", "full")).out,
    /💤 \/home silenced by \S.*, ends in [78]h: moving it/,
  );
  assert.match((await served.nerve("alert", "ack", "full=/")).out, /1 state acknowledged/);
  assert.match((await served.nerve("alert", "ack", "full=/")).out, /nothing of full=\/ fires/);
  assert.match((await served.nerve("alert", "list")).out, /\/: firing for .*, acknowledged by /);
  assert.match((await served.nerve("alert", "unsilence", "full")).out, /1 silence ended/);
  const without = await served.nerve("alert", "silence", "full");
  assert.deepEqual([without.code, /nerve alert silence full --for 8h/.test(without.err)], [2, true]);
  const rows = (await served.nerve("events", "--source", "alert:full", "--json")).out.trimEnd().split("\n");
  const types = rows.map((row) => JSON.parse(row).type);
  assert.deepEqual(types, ["alert.firing", "alert.firing", "alert.silenced", "alert.acked", "alert.unsilenced"]);
});

Deno.test("why --alert says why it fires, or does not", async () => {
  await using served = await serveDisks(4);
  const { out } = await served.nerve("why", "--alert", "full");
  assert.match(out, /🔴 alert full \/ fires: \/ is 95% full \(because of \d+\)/);
  assert.match(out, /✅ alert full \/ has resolved: \/ is 50% full \(because of \d+\)/);
  assert.match(out, /now:\nfull: critical, disk when signal\.used > 0\.9\n🔴 \/home: firing for /);
  assert.match(out, /the last signal is row \d+: \{"path":"\/","used":0\.5\}; for it, signal\.used > 0\.9 is false/);
  await served.stop();
  const document = whyAlertOutput.parse(JSON.parse((await served.nerve("why", "--alert", "full", "--json")).out));
  assert.deepEqual([document.items.length, document.lastSignal?.when, document.daemon], [3, false, false]);
  const firing = document.items[0]?.id ?? 0, chain = (await served.nerve("why", String(firing))).out;
  assert.match(chain, /🔴 alert full \/ fires: \/ is 95% full\n.*because 📡 disk signalled/);
  assert.match((await served.nerve("why", "--alert", "nope")).err, /there is no alert "nope"/);
  assert.equal((await served.nerve("why", "--alert", "full", "--sense", "disk")).code, 2);
});

long.test("validate warns of fields that no recorded signal of the sense had", async () => {
  await using served = await serveDisks(1);
  served.workspace.write(
    "nerve.yaml",
    yaml.replace("    when: signal.used > 0.9", "    when: has(signal.x) || signal.usde > 0.9"),
  );
  const { out } = await served.nerve("validate", "--no-types");
  assert.match(
    out,
    /nerve\.yaml:5:28 warning alerts\.full\.when: no recorded signal of disk has the field "usde"\n {2}did you mean "used"\?/,
  );
  assert.doesNotMatch(out, /"x"/);
});

Deno.test("alert test runs a file of signals in virtual time", async () => {
  await using served = await serveDisks(0);
  const write = (expect: string) =>
    served.workspace.write(
      "alerts_test.yaml",
      `- alert: soon
  name: fires after an hour
  signals:
    - { at: 0s, every: 10m, until: 50m, payload: { path: /, used: 0.5 } }
    - { at: 1h10m, payload: { path: /, used: 0 } }
  expect:
    - { at: 30m, state: pending }
    - { at: 1h, state: firing, summary: soon }
    - { at: 2h, state: inactive }
- alert: full
  signals: [{ at: 1m, payload: { path: /, used: 1 } }]
  expect:
    - { at: 0s, key: /, state: inactive }
    - ${expect}
- alert: gone
  signals: [{ at: 30m, payload: {} }]
  expect: [{ at: 89m, state: inactive }, { at: 1h30m, state: firing, summary: "gone: no signal of disk for 1h" }]
`,
    );
  write(`{ at: 1m, key: /, state: firing, summary: "/ is 100% full" }`);
  const passed = await served.nerve("alert", "test");
  assert.deepEqual([passed.code, passed.err], [0, ""]);
  assert.match(passed.out, /✅ soon: fires after an hour\n✅ full\n✅ gone\n✅ 3 tests passed\n/);
  write(`{ at: 1m, key: /, state: pending }`);
  const failed = await served.nerve("alert", "test");
  assert.equal(failed.code, 1);
  assert.match(failed.out, /❌ full\n {3}at 1m, \/: expected pending, found firing: \/ is 100% full\n/);
  const document = alertTestOutput.parse(JSON.parse((await served.nerve("alert", "test", "--json")).out));
  assert.deepEqual(document.tests.map(({ ok }) => ok), [true, false, true]);
  served.workspace.write("alerts_test.yaml", "- alert: full\n  signals: [{ at: soon, payload: 1 }]\n  expect: []\n");
  assert.match(
    (await served.nerve("alert", "test")).err,
    /alerts_test\.yaml:2:15 \[0\]\.signals\[0\]\.at: "soon" is not a duration/,
  );
  assert.match((await served.nerve("alert", "test", "other.yaml")).err, /there is no file other\.yaml/);
});

// A bundle has the library's code for browsers, without Buffer (tools/build/bundle.ts).
Deno.test("an expression over bytes says the same in a bundle", () =>
  inTempDir(async (cwd) => {
    const bytes = `bytes(signal.text).json().a == 1 && bytes("é").hex() == "c3a9" && size(bytes("é")) == 2`;
    const signal = `{ at: 1m, payload: { text: '{"a": 1}' } }`;
    await writeWorkspace(cwd, {
      "nerve.yaml": `senses: { a: {} }\nalerts:\n  found: { sense: a, when: '${bytes}' }\n`,
      "senses/a/index.ts": "export const compute = () => null;\n",
      "alerts_test.yaml": `- alert: found\n  signals: [${signal}]\n  expect: [{ at: 1m, state: firing }]\n`,
    });
    const [program = "", ...args] = [...nerveCommand, "alert", "test"];
    const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, env: { NO_COLOR: "1" } }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, text);
    assert.match(text, /1 test passed/);
  }));
