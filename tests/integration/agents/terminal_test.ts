/**
 * The protocol `terminal` beside what all protocols promise (conformance_test.ts). Dangers: a text that types commands, a tmux
 * that outlives its session, an answer that is taken for certain.
 */
import assert from "node:assert/strict";
import { AgentFault } from "../../../src/agents/ports.ts";
import { terminalAdapter } from "../../../src/agents/terminal_adapter.ts";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { readProcessStat } from "../../../src/base/process_id.ts";
import { envelopeOf, inSetting, runningFor, scriptedProtocols } from "../../support/agent_protocols.ts";
import { long } from "../../support/long_form.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const never = new AbortController().signal;
const scripted = scriptedProtocols.terminal;
/** Says each line that it reads. */
const echo = `while printf '> ' && IFS= read -r line; do echo "got: $line"; done`;
const echoing = ["sh", "-c", echo];
const definitionOf = (command: readonly string[]) => ({
  ...scripted?.definition ?? assert.fail(),
  command,
  resume: null,
});

long.test({
  name: "a tmux server that is killed is told, with all that ran in it, and the next prompt has a new one",
  ignore: scripted === undefined,
  async fn() {
    await inSetting(definitionOf(echoing), async (setting) => {
      const session = await terminalAdapter.open(setting, null), seconds = ownSeconds();
      assert.equal(await session.prompt(envelopeOf("x"), never), "got: x");
      const servers = runningFor(setting).filter((pid) => readProcessStat(pid)?.command === "tmux: server");
      assert.equal(servers.length, 1);
      const prompt = session.prompt(envelopeOf(`$(sleep ${seconds})`), never);
      Deno.kill(servers[0] ?? 0, "SIGKILL");
      await assert.rejects(prompt, (thrown) => thrown instanceof AgentFault && thrown.recoverable);
      assert.deepEqual([runningFor(setting), runningWith(seconds)], [[], []]);
      assert.equal(await session.prompt(envelopeOf("y"), never), "got: y");
      await session.end();
      assert.deepEqual([runningFor(setting), [...Deno.readDirSync(setting.cwd)].map(({ name }) => name)], [[], []]);
    });
  },
});

Deno.test({
  name: "a prompt is typed as it is: the end of a paste, an escape and a semicolon type nothing else",
  ignore: scripted === undefined,
  async fn() {
    await inSetting(definitionOf(["sh", "-c", `printf '\\033[?2004h'; ${echo}`]), async (setting) => {
      const session = await terminalAdapter.open(setting, null);
      const said = await session.prompt(envelopeOf("a;\x1b[201~\x03b \x9b $(touch x) 'ü;"), never);
      assert.ok(said.endsWith("got: a;[201~b  $(touch x) 'ü;"), said);
      await session.end();
    });
  },
});

// A tmux that was told to be silent while output was under way kept that output, and every answer behind it: the prompt
// failed after 20 s, and `kill-server` ended nothing.
long.test({
  name: "a program that prints from its first moment on, faster than anybody reads, is answered all the same",
  ignore: scripted === undefined,
  async fn() {
    await inSetting(definitionOf(["sh", "-c", `yes before | head -n 200000; ${echo}`]), async (setting) => {
      const session = await terminalAdapter.open(setting, null);
      assert.equal(await session.prompt(envelopeOf("x"), never), "got: x");
      await session.end();
    });
  },
});

Deno.test({
  name: "everything that its program starts ends with the terminal, also what has left its session",
  ignore: scripted === undefined,
  async fn() {
    const seconds = ownSeconds(), script = `setsid sleep ${seconds} & sleep ${seconds} & ${echo}`;
    await inSetting(definitionOf(["sh", "-c", script]), async (setting) => {
      const session = await terminalAdapter.open(setting, null);
      await session.prompt(envelopeOf("x"), never);
      await untilRunning(seconds, 2);
      await session.end();
      assert.deepEqual([runningWith(seconds), runningFor(setting)], [[], []]);
    });
  },
});

Deno.test({
  name: "without tmux the protocol says what is missing",
  ignore: scripted === undefined,
  async fn() {
    await inSetting(definitionOf(echoing), async (setting) => {
      const session = await terminalAdapter.open({ ...setting, env: { ...setting.env, PATH: "/nowhere" } }, null);
      await assert.rejects(
        session.prompt(envelopeOf("x"), never),
        /protocol terminal needs the program tmux, which is not/,
      );
    });
  },
});

long.test({
  name: "a confined agent in a terminal answers a role, and the log says that this is a guess",
  ignore: scripted === undefined || systemLandlock() < 6,
  async fn() {
    await using workspace = await startWorkspace({
      yaml: {
        agents: { seen: { protocol: "terminal", command: echoing, ready: "^>$", idle: "1s" } },
        workflows: { w: { agents: ["seen"] } },
      },
      workflows: {
        w: `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { ask: agent({ agent: "seen", cwd: "work", prompt: "three words here" }) },
  moderator: ({ messages }) => messages.length === 0 ? "ask" : END,
});`,
      },
      files: { "work/readme.txt": "" },
    });
    await workspace.kernel.startWorkflow("w", { runId: "a" });
    const { status, reason } = await runEnd(workspace, "a");
    assert.equal(status, "completed", reason ?? "");
    assert.equal(workspace.kernel.api.records.messages("a", {})[0]?.content, "got: three words here");
    const answered = workspace.kernel.api.records.logs({ refId: "a" }).find(({ type }) => type === "session.answered");
    assert.equal(Object(answered?.payload).guessed, true);
  },
});
