/**
 * What every protocol promises (src/agents/ports.ts), with one scripted agent that is a real process. A new adapter is
 * one more line of `protocols`.
 */
import assert from "node:assert/strict";
import { acpAdapter } from "../../../src/agents/acp_adapter.ts";
import { commandAdapter } from "../../../src/agents/command_adapter.ts";
import { type AgentAdapter, AgentFault, type SessionSetting } from "../../../src/agents/ports.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { AgentDefinition, PromptEnvelope } from "../../../src/protocol/agent.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const agent = [Deno.execPath(), "run", "-A", "--quiet", "--no-config", `${repository}tests/support/scripted_agent.ts`];
const plain = {
  ...{ name: "a", resume: null, sessionField: null, env: ["KEY"], maxSessions: 1, allow: ["edit" as const] },
  ...{ confined: false, read: [], scenario: null },
};

interface Protocol {
  readonly adapter: AgentAdapter;
  readonly definition: AgentDefinition;
}

const protocols: Readonly<Record<string, Protocol>> = {
  command: {
    adapter: commandAdapter,
    definition: {
      ...plain,
      protocol: "command",
      command: [...agent, "command"],
      resume: [...agent, "command", "{session}"],
      sessionField: "session",
    },
  },
  acp: { adapter: acpAdapter, definition: { ...plain, protocol: "acp", command: [...agent, "acp"] } },
};

let sessions = 0;

async function inSetting(definition: AgentDefinition, act: (setting: SessionSetting) => Promise<void>): Promise<void> {
  await inTempDir(async (cwd) => {
    const env = {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: cwd,
      KEY: "value",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${cwd}/.deno`,
    };
    const mark = `test.${Deno.pid}-0.${++sessions}.agent.a.0.s`;
    await act({ sessionId: "s", definition, cwd, workspace: cwd, env, mark, wall: null, clock: systemClock });
  });
}

const never = new AbortController().signal;

function envelope(instructions: string): PromptEnvelope {
  const none = { name: null, json: null, enforced: false };
  const about = { uuid: "u", runId: "r", role: "ask", phase: null, attempt: 0, dedupKey: "r:1:0" };
  return { ...about, expectedArtifact: null, expectedSchema: none, instructions };
}

/** The last line of the answer: a program may have said more. */
const last = (text: string) => text.split("\n").at(-1);

for (const [name, { adapter, definition }] of Object.entries(protocols)) {
  Deno.test(`${name}: an answer, a file, and only the variables that were given`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      assert.equal(last(await session.prompt(envelope("say so it is"), never)), "so it is");
      assert.equal(last(await session.prompt(envelope("write out.json {}"), never)), "written");
      assert.equal(Deno.readTextFileSync(`${setting.cwd}/out.json`), "{}");
      const variables = last(await session.prompt(envelope("env"), never));
      assert.equal(variables, "DENO_DIR HOME KEY NERVE_STARTED_BY PATH");
      await session.end();
    });
  });

  Deno.test(`${name}: prompts share a conversation, and a session opened with its id goes on with it`, async () => {
    await inSetting(definition, async (setting) => {
      const first = await adapter.open(setting, null);
      assert.equal(last(await first.prompt(envelope("count"), never)), "prompt 1");
      assert.equal(last(await first.prompt(envelope("count"), never)), "prompt 2");
      const { conversation } = first;
      assert.ok(conversation !== null);
      await first.end();
      const again = await adapter.open(setting, conversation);
      assert.equal(last(await again.prompt(envelope("count"), never)), "prompt 3");
      assert.equal(again.conversation, conversation);
      await again.end();
      const other = await adapter.open(setting, null);
      assert.equal(last(await other.prompt(envelope("count"), never)), "prompt 1");
      await other.end();
    });
  });

  Deno.test(`${name}: what fails and what dies is told, and the session goes on after both`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      await assert.rejects(
        session.prompt(envelope("fail"), never),
        (thrown) => thrown instanceof AgentFault && /cannot/.test(thrown.message),
      );
      await assert.rejects(
        session.prompt(envelope("die"), never),
        (thrown) =>
          thrown instanceof AgentFault && thrown.recoverable && /exit code 7: out of luck/.test(thrown.message),
      );
      assert.equal(last(await session.prompt(envelope("say here again"), never)), "here again");
      await session.end();
    });
  });

  Deno.test(`${name}: noise between the lines changes nothing`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      assert.equal(last(await session.prompt(envelope("noise"), never)), "after the noise");
      await session.end();
    });
  });

  Deno.test(`${name}: a prompt that is given up ends with all that it has started, and so does a session`, async () => {
    await inSetting(definition, async (setting) => {
      const seconds = ownSeconds(), session = await adapter.open(setting, null), given = new AbortController();
      const prompt = session.prompt(envelope(`start ${seconds}`), given.signal);
      await untilRunning(seconds, 1);
      given.abort(new Error("enough"));
      await assert.rejects(prompt, /enough/);
      assert.deepEqual(runningWith(seconds), []);
      const hangs = session.prompt(envelope(`start ${seconds}`), never);
      await untilRunning(seconds, 1);
      await Promise.all([session.end(), assert.rejects(hangs, AgentFault)]);
      assert.deepEqual(runningWith(seconds), []);
      await assert.rejects(session.prompt(envelope("say x"), given.signal), /enough/);
    });
  });

  Deno.test(`${name}: a program that cannot be started is told`, async () => {
    await inSetting({ ...definition, command: ["/no/such/program"] }, async (setting) => {
      const session = await adapter.open(setting, null);
      await assert.rejects(session.prompt(envelope("say x"), never), /\/no\/such\/program cannot be started/);
    });
  });
}

Deno.test("acp: leave is given for the kinds that are allowed, and refused for all others", async () => {
  const { adapter, definition } = protocols.acp ?? assert.fail();
  await inSetting(definition, async (setting) => {
    const session = await adapter.open(setting, null);
    const answer = async (kind: string) => JSON.parse(await session.prompt(envelope(`ask ${kind}`), never));
    assert.deepEqual(await answer("edit"), { outcome: "selected", optionId: "o-allow_once" });
    for (const kind of ["execute", "delete", "unheard-of"]) {
      assert.deepEqual(await answer(kind), { outcome: "selected", optionId: "o-reject_once" });
    }
    await session.end();
  });
});
