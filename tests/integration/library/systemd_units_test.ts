/** systemd-units against a real systemd with units of the test, in its sandbox. */
import assert from "node:assert/strict";
import { BootedSystemd, canBootSystemd } from "../../support/booted_systemd.ts";
import { hasProgram } from "../../support/debian.ts";
import { TestSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";

// Ignored only where systemd cannot be installed from Debian, or cannot be started in namespaces of its own.
const ignore = !await canBootSystemd();

const good = "[Service]\nExecStart=/bin/sleep 100000\n[Install]\nAlias=other-name.service\n";
const bad = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 3'\n";
const units = {
  "good.service": good,
  "bad.service": bad,
  "once.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
  "loop.service": "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1h\n",
  "eager.service":
    "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'test -e /run/enough || exit 1; exec sleep 100000'\n" +
    "Restart=always\nRestartSec=1ms\n",
  "slow.service": "[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=/bin/sleep 100000\n",
  "wrong.service": "[Service]\nType=oneshot\nRestart=always\n",
  "inst@.service": good.replace("[Install]\nAlias=other-name.service\n", ""),
  "tick.timer": "[Timer]\nOnBootSec=10h\nUnit=once.service\n",
};

const readme = Deno.readTextFileSync(`${repository}/senses/systemd-units/README.md`);

async function boot(): Promise<BootedSystemd> {
  const booted = await BootedSystemd.boot(units);
  if (booted === null) throw new Error("systemd does not start");
  return booted;
}

const systemctl = (...args: string[]) => ({ run: ["systemctl", ...args] });

long.test({
  name: "systemd-units tells every unit that has failed, also while systemd tries again, and once that none has",
  ignore,
  fn: async () => {
    await using booted = await boot();
    const [quiet, failed, still, less, right, after] = await booted.compute(
      "systemd-units",
      null,
      ...[systemctl("start", "good", "once", "inst@a"), { compute: {} }],
      ...[systemctl("start", "--no-block", "bad", "loop"), { run: ["sh", "-c", untilState("loop", "auto-restart")] }],
      ...[{ run: ["sh", "-c", untilState("bad", "failed")] }, { compute: { workflow: "restart-service" } }],
      ...[{ compute: { workflow: "restart-service" } }, { compute: { ignore: "ba*" } }],
      ...[systemctl("reset-failed"), systemctl("stop", "loop"), { compute: {} }, { compute: {} }],
    );
    assert.deepEqual(quiet, { kind: "null" });
    const told = valueOf(failed ?? quiet);
    assert.deepEqual(told.problems, [
      "bad.service: has failed (exit-code, status 3)",
      "loop.service: has failed (exit-code, status 1) and is started again, 0 times until now",
    ]);
    assert.deepEqual(told.units.map(({ state }: { state: string }) => state), [
      "failed (failed)",
      "activating (auto-restart)",
    ]);
    assert.deepEqual(told.workflow, { name: "restart-service", prompt: told.problems.join(", "), maxRounds: 20 });
    const again = valueOf(still ?? quiet), shown = JSON.parse(/^```json\n(.*?)^```$/ms.exec(readme)?.[1] ?? "");
    assert.deepEqual([Object.keys(again), Object.keys(again.units[0])], [
      Object.keys(shown),
      Object.keys(shown.units[0]),
    ]);
    assert.equal(valueOf(less ?? quiet).problems.length, 1);
    assert.deepEqual([valueOf(right ?? quiet).ok, valueOf(right ?? quiet).units], [true, []]);
    assert.deepEqual(after, { kind: "null" });
  },
});

/** A shell command that ends when a unit is in that state. */
function untilState(unit: string, sub: string): string {
  return `until [ "$(systemctl show --property=SubState --value ${unit})" = ${sub} ]; do :; done`;
}

long.test({
  name: "systemd-units wants of named units that they are there and active, and of a oneshot that it has not failed",
  ignore,
  fn: async () => {
    await using booted = await boot();
    await booted.systemctl("start", "good", "once", "inst@a", "tick.timer");
    await booted.systemctl("mask", "--runtime", "hidden");
    const all = ["good", "once", "inst@*", "tick.timer", "none", "hidden", "slow.service", "wrong", "none@*"];
    const [named] = await booted.compute("systemd-units", null, { compute: { units: all } });
    const told = valueOf(named ?? { kind: "null" });
    const states = Object.fromEntries(
      told.units.map((each: { unit: string; problem: string }) => [each.unit, each.problem]),
    );
    assert.match(states["wrong.service"], /^its unit file is not valid/);
    delete states["wrong.service"];
    assert.deepEqual(states, {
      "good.service": null,
      "once.service": null,
      "inst@a.service": null,
      "tick.timer": null,
      "none.service": "no unit has such a name",
      "hidden.service": "is masked",
      "slow.service": null,
      "none@*.service": "no unit has such a name",
    });
    await booted.systemctl("stop", "good");
    const [stopped] = await booted.compute("systemd-units", null, { compute: { units: ["good", "inst@*"] } });
    assert.deepEqual(valueOf(stopped ?? { kind: "null" }).problems, ["good.service: is not active"]);
  },
});

long.test({
  name: "systemd-units follows an alias, and tells what takes too long and what was started again too often",
  ignore,
  fn: async () => {
    await using booted = await boot();
    await booted.systemctl("enable", "--runtime", "good");
    await booted.systemctl("start", "--no-block", "good", "slow");
    await booted.until(/start/, "show", "--property=SubState", "slow");
    const eager = [
      "sh",
      "-c",
      'systemctl start eager; until [ "$(systemctl show --property=NRestarts --value eager)" -ge 5 ]; do :; done; ' +
      "touch /run/enough; " + untilState("eager", "running"),
    ];
    const wanted = { units: ["other-name", "slow", "eager"], max_activating: "1ms" };
    const [first, second, third] = await booted.compute(
      "systemd-units",
      null,
      ...[{ compute: { ...wanted, units: ["other-name", "slow"] } }, { run: eager }, { compute: wanted }, {
        compute: wanted,
      }],
    );
    assert.deepEqual(first, { kind: "null" });
    const told = valueOf(second ?? { kind: "null" });
    assert.deepEqual(told.units.map(({ unit, problem }: Record<string, unknown>) => [unit, problem === null]), [
      ["good.service", true],
      ["slow.service", false],
      ["eager.service", false],
    ]);
    assert.match(told.problems[0], /^slow\.service: has been activating for \d/);
    assert.match(told.problems[1], /^eager\.service: was started again ([5-9]|\d\d+) times since the last check$/);
    assert.deepEqual(valueOf(third ?? { kind: "null" }).problems.length, 1, "not again");
  },
});

long.test({
  name: "systemd-units asks the systemd of a user",
  ignore,
  fn: async () => {
    const manager = "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/0\nDelegate=yes\n" +
      "ExecStart=/lib/systemd/systemd --user --unit=quiet.target --log-target=null\n";
    await using booted = await BootedSystemd.boot({ ...units, "manager.service": manager }) ?? await boot();
    await booted.systemctl("start", "manager");
    await booted.until(/^\d/, "--user", "show", "--property=Version", "--value");
    const grants = { run: ["systemctl"], env: ["XDG_RUNTIME_DIR"] };
    const config = { user: true, units: ["quiet.target", "good"] };
    const [told] = await booted.compute("systemd-units", grants, { compute: config });
    assert.deepEqual(valueOf(told ?? { kind: "null" }).problems, ["good.service: no unit has such a name"]);
    const [without] = await booted.compute("systemd-units", null, { compute: config });
    assert.match(
      without?.kind === "error" ? without.message : "",
      /^systemctl cannot ask the user's systemd, which needs XDG_RUNTIME_DIR: /,
    );
  },
});

long.test({
  name: "systemd-units deletes rows older than keep",
  ignore,
  fn: async () => {
    await using booted = await boot();
    await booted.systemctl("start", "bad");
    const age = ["checks", "units"].map((table) => ({ sql: `update ${table} set ts = ts - 2 * 86400000` }));
    const count = { sql: "select (select count(*) from checks) as checks, (select count(*) from units) as units" };
    const steps = [{ compute: {} }, ...age, { compute: { keep: "3d" } }, count, { compute: { keep: "1d" } }, count];
    const outcomes = await booted.compute("systemd-units", null, ...steps);
    const counts = outcomes.filter((outcome) => outcome.kind === "value" && Array.isArray(outcome.value)).map(valueOf);
    assert.deepEqual(counts, [[], [], [{ checks: 2, units: 2 }], [{ checks: 2, units: 2 }]], "one deleted, one added");
  },
});

Deno.test({
  name: "systemd-units says that a machine was not started by systemd",
  ignore: !await hasProgram("systemctl", "systemd") || isBooted(),
  fn: async () => {
    await using sense = new TestSense("systemd-units");
    const outcome = await sense.compute({});
    assert.ok(outcome.kind === "error", JSON.stringify(outcome));
    assert.match(outcome.message, /^systemctl cannot ask systemd: System has not been booted with systemd/);
  },
});

function isBooted(): boolean {
  try {
    return Deno.statSync("/run/systemd/system").isDirectory;
  } catch {
    return false;
  }
}

long.test("systemd-units rejects what is no unit", async () => {
  await using sense = new TestSense("systemd-units");
  for (const units of [["a b"], ["--all"], ["/home"], ["getty@"], ["getty@.service"], [""]]) {
    const outcome = await sense.compute({ units });
    assert.ok(
      outcome.kind === "error" && /config\.units|is not the name of a unit|is a template/.test(outcome.message),
      JSON.stringify(outcome),
    );
  }
});

long.test("systemd-units fails with NotCapable without its grant", async () => {
  for (const grants of [{}, { run: ["true"] }]) {
    await using sense = new TestSense("systemd-units", grants);
    const outcome = await sense.compute({});
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});
