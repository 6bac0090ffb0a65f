/** A daemon's ordinary life, with real processes: start, status, logs, restart, stop. */
import assert from "node:assert/strict";
import { parseLogLine } from "../../../src/base/log_line.ts";
import { findDaemon } from "../../../src/daemon/discovery.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";

/** Fields of /proc/PID/stat from the state (field 3) on. */
function statOf(pid: number): string[] {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("start, status, logs and stop agree, and stop leaves nothing behind", async () => {
  await using workspace = await DaemonWorkspace.make();
  const started = await workspace.nerve("start");
  assert.equal(started.code, 0, started.err);
  const { kernel, supervisor } = workspace.pids();
  assert.match(
    started.out,
    new RegExp(`🟢 nerve \\S+ runs ${workspace.root} \\(pid ${kernel}\\): 1 sense, 1 workflow\n`),
  );
  const [, , , session, terminal] = statOf(supervisor);
  assert.deepEqual([session, terminal], [String(supervisor), "0"], "a session of its own, without a terminal");
  assert.equal((Deno.lstatSync(workspace.paths.socket).mode ?? 0) & 0o777, 0o600);

  await workspace.reached("the first signal", () => /event=signal/.test(workspace.textLog()));
  const shown = await workspace.nerve("status");
  assert.equal(shown.code, 0);
  assert.match(shown.out, new RegExp(`🟢 nerve .* \\(pid ${kernel}, up \\d.*, supervisor ${supervisor}\\)`));
  assert.match(shown.out, /🟢 group ping +running +\d+ +[\d.]+ MiB/);
  const { document } = await workspace.status();
  assert.equal(document.condition, "running");
  assert.equal(document.health.counters.signals, 1);

  const logs = await workspace.nerve("daemon", "logs", "--lines", "200");
  const lines = logs.out.trimEnd().split("\n");
  assert.equal(lines.pop(), `text log: ${workspace.paths.textLog}`);
  assert.ok(lines.length > 2 && lines.every((line) => parseLogLine(line) !== null), logs.out);
  assert.match(logs.out, /source=sense:ping event=signal message="\d+ \{\\"pong\\":true\}"/);
  const [first] = (await workspace.nerve("logs", "--json")).out.split("\n");
  assert.equal(JSON.parse(first ?? "").event, "kernel.ready");

  const stopped = await workspace.nerve("stop");
  assert.equal(stopped.code, 0, stopped.err);
  assert.match(stopped.out, new RegExp(`✅ stopped \\(pid ${kernel}\\) after `));
  await workspace.nothingLeft();
  const { socket, pidFile, logs: folder } = workspace.paths;
  assert.deepEqual([socket, pidFile, `${folder}/daemon.json`].filter(exists), []);
  assert.match(workspace.textLog().trimEnd().split("\n").at(-1) ?? "", /event=kernel\.stopped/);
  assert.equal((await workspace.nerve("status")).code, 3);
  assert.equal((await workspace.nerve("stop")).code, 3);
});

Deno.test("start prints every problem of a wrong nerve.yaml, and leaves nothing behind", async () => {
  const yaml = "senses: { ping: { throttle: soon } }\nreflexes: [{ sense: pong, interval: 1s }]\n";
  await using workspace = await DaemonWorkspace.make({ "nerve.yaml": yaml });
  const { code, err } = await workspace.nerve("start");
  assert.equal(code, 1);
  assert.match(err, /nerve\.yaml:1:\d+ error senses\.ping\.throttle/);
  assert.match(err, /nerve\.yaml:2:\d+ error reflexes\[0\]/);
  assert.match(err, /❌ nothing was started/);
  const entries = [...Deno.readDirSync(workspace.root)].map(({ name }) => name).sort();
  assert.deepEqual(entries, ["nerve.yaml", "senses", "workflows"]);
});

Deno.test("a second start is refused with the pid, and of two concurrent starts exactly one succeeds", async () => {
  await using workspace = await DaemonWorkspace.make();
  const both = await Promise.all([workspace.nerve("start"), workspace.nerve("start")]);
  assert.deepEqual(both.map(({ code }) => code).sort(), [0, 1], both.map(({ err }) => err).join());
  const { kernel, supervisor } = workspace.pids();
  assert.match(both.map(({ err }) => err).join(""), /❌ .* daemon already runs in .*\n {3}nerve status shows it/);
  const third = await workspace.nerve("start");
  assert.equal(third.code, 1);
  assert.match(third.err, new RegExp(`already runs in .* \\(pid ${kernel}\\)`));
  assert.deepEqual(workspace.pids(), { kernel, supervisor });
  assert.equal((await workspace.nerve("stop")).code, 0);
  await workspace.nothingLeft();
});

long.test("a start during a stop waits until it is over, then starts", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { kernel, supervisor } = await workspace.start();
  // While it is frozen, its stop lasts as long as the test likes.
  Deno.kill(kernel, "SIGSTOP");
  Deno.kill(supervisor, "SIGTERM");
  await workspace.reached("the stop", () => findDaemon(workspace.paths).supervised?.state === "stopping");
  const again = workspace.command(["start"]).spawn();
  let out = "", frozen = true;
  for await (const text of again.stdout.pipeThrough(new TextDecoderStream())) {
    out += text;
    if (!frozen || !/is starting or stopping/.test(out)) continue;
    Deno.kill(kernel, "SIGCONT");
    frozen = false;
  }
  await again.stderr.cancel();
  assert.equal((await again.status).code, 0, out);
  assert.match(out, new RegExp(`daemon \\(pid ${kernel}\\) is starting or stopping[^]*🟢 nerve`));
  assert.notEqual(workspace.pids().kernel, kernel);
});

long.test("restart replaces the daemon, unless nerve.yaml is wrong", async () => {
  await using workspace = await DaemonWorkspace.make();
  const first = await workspace.start();
  Deno.writeTextFileSync(workspace.paths.configFile, "senses: { ping: { throttle: soon } }\n");
  const refused = await workspace.nerve("restart");
  assert.equal(refused.code, 1);
  assert.match(refused.err, /senses\.ping\.throttle/);
  assert.deepEqual(workspace.pids(), first);
  Deno.writeTextFileSync(workspace.paths.configFile, "senses: { ping: {} }\n");
  const restarted = await workspace.nerve("restart");
  assert.equal(restarted.code, 0, restarted.err);
  assert.match(restarted.out, /✅ stopped .*\n[^]*🟢 nerve .* 1 sense, 0 workflows/);
  assert.notEqual(workspace.pids().kernel, first.kernel);
});

long.test("a daemon in the foreground is shown and stopped like any other, and restarted only in its terminal", async () => {
  await using workspace = await DaemonWorkspace.make();
  const foreground = workspace.command(["run"]).spawn();
  const output = foreground.output();
  await workspace.reached("the socket", () => exists(workspace.paths.socket));
  const { code, document } = await workspace.status();
  assert.equal(code, 0);
  assert.deepEqual([document.condition, document.supervisor, document.pid], ["running", null, foreground.pid]);
  const started = await workspace.nerve("start");
  assert.equal(started.code, 1);
  assert.match(started.err, new RegExp(`already runs in .*pid ${foreground.pid}`));
  const restarted = await workspace.nerve("restart");
  assert.equal(restarted.code, 1);
  assert.match(restarted.err, /was not started by nerve start/);
  assert.equal((await workspace.nerve("stop")).code, 0);
  assert.equal((await output).code, 0);
});
