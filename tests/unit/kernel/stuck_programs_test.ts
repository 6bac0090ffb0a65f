/** Programs that cannot be ended, for which the test uses ordinary ones: where they are reported, and for how long. */
import assert from "node:assert/strict";
import { readProcessStat } from "../../../src/base/process_id.ts";
import { formatProcessMark, formatWork } from "../../../src/base/program_mark.ts";
import type { Program } from "../../../src/base/program_sweep.ts";
import { stuckCheckMs } from "../../../src/base/limits.ts";
import { StuckPrograms } from "../../../src/kernel/stuck_programs.ts";
import type { ToProcess } from "../../../src/protocol/message.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const marked = (work: number, subject: string, unit = "g") =>
  formatProcessMark({ workspace: "1-2", owner: { pid: 1, startTime: "5" }, process: 3, kind: "group", unit }) +
  formatWork(work, subject);

const gone = (pid: number, mark: string): Program => ({ pid, startTime: "0", command: "sh", mark });

function setUp() {
  const clock = new FakeClock(), sent: ToProcess[] = [], notices: string[] = [];
  const process = { send: (message: ToProcess) => void sent.push(message) };
  const stuck = new StuckPrograms({
    clock,
    supervisor: { findProcess: () => process },
    notices: { record: (key, level, message) => void notices.push(`${key} ${level} ${message}`) },
  });
  return { clock, sent, notices, process, stuck };
}

Deno.test("StuckPrograms.onSwept() tells once of each sense what it had left running", () => {
  const { notices, sent, stuck } = setUp();
  const many = Array.from({ length: 7 }, (_, index) => gone(20 + index, marked(1, "b")));
  stuck.onSwept("group:g", {
    ended: [gone(10, marked(4, "a")), ...many, gone(40, marked(0, ""))],
    stuck: [],
    problem: null,
  });
  assert.deepEqual(notices, [
    "group:g info ended what sense a left running: sh (pid 10)",
    "group:g info ended what sense b left running: sh (pid 20), sh (pid 21), sh (pid 22), sh (pid 23), sh (pid 24), and 2 more",
    "group:g info ended what group g left running: sh (pid 40)",
  ]);
  assert.deepEqual([sent, stuck.list()], [[], []]);
});

Deno.test("a stuck program holds its sense until it has ended, in each process that starts meanwhile", async () => {
  const { clock, notices, sent, process, stuck } = setUp();
  const child = new Deno.Command("sleep", { args: ["1000"] }).spawn(), { pid } = child;
  const startTime = readProcessStat(pid)?.startTime ?? "";
  const program = { pid, startTime, command: "sleep", mark: marked(4, "disk-usage") };
  stuck.onLeftovers({ ended: [], stuck: [program] });
  stuck.onSwept("group:g", { ended: [], stuck: [program], problem: null });
  // Unless it is observed at the moment when the system starts it.
  while (readProcessStat(pid)?.state === "D") await clock.tick(0);
  const message = `sense disk-usage: sleep (pid ${pid}) cannot be ended: it does not end`;
  assert.deepEqual(stuck.list(), [message]);
  assert.deepEqual(notices, [`group:g warn ${message}; no other is started until it has ended`]);
  const held = { t: "held", subjects: { "disk-usage": message } };
  stuck.onReady("group:g", process);
  stuck.onReady("group:other", process);
  assert.deepEqual(sent, [held, held, held]);
  await clock.tick(stuckCheckMs * 3);
  assert.equal(stuck.list().length, 1);
  child.kill("SIGKILL");
  await child.status;
  await clock.tick(stuckCheckMs);
  assert.deepEqual(stuck.list(), []);
  assert.equal(notices.at(-1), `group:g info sense disk-usage: sleep (pid ${pid}) has ended`);
  assert.deepEqual(sent.at(-1), { t: "held", subjects: {} });
  stuck.stop();
});
