/**
 * What every protocol promises (src/agents/ports.ts), with scripted agents that are real processes. A new adapter is one
 * more line of tests/support/agent_protocols.ts.
 */
import assert from "node:assert/strict";
import { AgentFault } from "../../../src/agents/ports.ts";
import { envelopeOf, inSetting, runningFor, scriptedProtocols, untilRunsFor } from "../../support/agent_protocols.ts";
import { long } from "../../support/long_form.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";

const never = new AbortController().signal;
/** The last line of the answer: a program may have said more. */
const last = (text: string) => text.split("\n").at(-1);

for (const [name, { adapter, definition, isProgram, refuses }] of Object.entries(scriptedProtocols)) {
  // It waits again and again until the terminal is silent.
  const form = name === "terminal" ? long : Deno;
  Deno.test(`${name}: a prompt that is given up in the moment of its turn starts no program, and gives the turn back`, async () => {
    await inSetting(definition, async (setting) => {
      const halt = new AbortController(), reason = new Error("given up");
      let returned = 0;
      const mayStart = () => {
        const turn = Promise.resolve(() => void returned++);
        halt.abort(reason);
        return turn;
      };
      const session = await adapter.open({ ...setting, mayStart }, null);
      await assert.rejects(session.prompt(envelopeOf("say late"), halt.signal), reason);
      await session.end();
      assert.deepEqual([returned, runningFor(setting)], [1, []]);
    });
  });

  form.test(`${name}: an answer, a file, and only the variables that were given`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      assert.equal(last(await session.prompt(envelopeOf("say so it is"), never)), "so it is");
      assert.equal(last(await session.prompt(envelopeOf("write out.json {}"), never)), "written");
      assert.equal(Deno.readTextFileSync(`${setting.cwd}/out.json`), "{}");
      if (isProgram) {
        const variables = last(await session.prompt(envelopeOf("env"), never))?.split(" ");
        const ofTerminal = [
          "LANG",
          "OLDPWD",
          "PWD",
          "SHELL",
          "SHLVL",
          "TERM",
          "TERM_PROGRAM",
          "TERM_PROGRAM_VERSION",
          "TMUX",
          "TMUX_PANE",
          "_",
        ];
        const own = variables?.filter((each) => name !== "terminal" || !ofTerminal.includes(each));
        assert.deepEqual(own, ["DENO_DIR", "HOME", "KEY", "NERVE_STARTED_BY", "PATH"]);
      }
      await session.end();
      assert.deepEqual(runningFor(setting), []);
    });
  });

  form.test(`${name}: prompts share a conversation, and a session opened with its id goes on with it`, async () => {
    await inSetting(definition, async (setting) => {
      const first = await adapter.open(setting, null);
      assert.equal(last(await first.prompt(envelopeOf("count"), never)), "prompt 1");
      assert.equal(last(await first.prompt(envelopeOf("count"), never)), "prompt 2");
      const { conversation } = first;
      assert.ok(conversation !== null);
      await first.end();
      const again = await adapter.open(setting, conversation);
      assert.equal(last(await again.prompt(envelopeOf("count"), never)), "prompt 3");
      assert.equal(again.conversation, conversation);
      await again.end();
      const other = await adapter.open(setting, null);
      assert.equal(last(await other.prompt(envelopeOf("count"), never)), "prompt 1");
      await other.end();
    });
  });

  form.test(`${name}: what fails and what dies is told, and the session goes on after both`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      if (refuses) {
        await assert.rejects(
          session.prompt(envelopeOf("fail"), never),
          (thrown) => thrown instanceof AgentFault && /cannot/.test(thrown.message),
        );
      }
      const said = isProgram ? /exit code 7: (?:[^]*\n)?out of luck/ : /exit code 7/;
      await assert.rejects(
        session.prompt(envelopeOf("die"), never),
        (thrown) => thrown instanceof AgentFault && thrown.recoverable && said.test(thrown.message),
      );
      assert.deepEqual(runningFor(setting), []);
      assert.equal(last(await session.prompt(envelopeOf("say here again"), never)), "here again");
      await session.end();
    });
  });

  form.test(`${name}: noise before the answer changes nothing`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null);
      assert.equal(last(await session.prompt(envelopeOf("noise"), never)), "after the noise");
      await session.end();
    });
  });

  form.test(`${name}: a prompt that is given up ends with all that it has started, and so does a session`, async () => {
    await inSetting(definition, async (setting) => {
      const seconds = ownSeconds(), session = await adapter.open(setting, null), given = new AbortController();
      const untilBusy = () => isProgram ? untilRunning(seconds, 1) : untilRunsFor(setting);
      const prompt = session.prompt(envelopeOf(`start ${seconds}`), given.signal);
      await untilBusy();
      given.abort(new Error("enough"));
      await assert.rejects(prompt, /enough/);
      assert.deepEqual([runningWith(seconds), runningFor(setting)], [[], []]);
      const hangs = session.prompt(envelopeOf(`start ${seconds}`), never);
      await untilBusy();
      await Promise.all([session.end(), assert.rejects(hangs, AgentFault)]);
      assert.deepEqual([runningWith(seconds), runningFor(setting)], [[], []]);
      await assert.rejects(session.prompt(envelopeOf("say x"), given.signal), /enough/);
    });
  });

  form.test(`${name}: a kill -9 of whatever runs for a prompt is told, and the next prompt is answered`, async () => {
    await inSetting(definition, async (setting) => {
      const session = await adapter.open(setting, null), seconds = ownSeconds();
      assert.equal(last(await session.prompt(envelopeOf("count"), never)), "prompt 1");
      const prompt = session.prompt(envelopeOf(`start ${seconds}`), never);
      await (isProgram ? untilRunning(seconds, 1) : untilRunsFor(setting));
      for (const pid of runningFor(setting)) kill(pid);
      await assert.rejects(prompt, (thrown) => thrown instanceof AgentFault && thrown.recoverable);
      assert.deepEqual([runningWith(seconds), runningFor(setting)], [[], []]);
      assert.equal(last(await session.prompt(envelopeOf("say so it is"), never)), "so it is");
      await session.end();
    });
  });

  if (definition.command.length > 0) {
    Deno.test(`${name}: a program that cannot be started is told`, async () => {
      await inSetting({ ...definition, command: ["/no/such/program"] }, async (setting) => {
        const session = await adapter.open(setting, null);
        await assert.rejects(session.prompt(envelopeOf("say x"), never), /\/no\/such\/program cannot be started/);
      });
    });
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (thrown) {
    // It has ended with another one.
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

Deno.test("acp: leave is given for the kinds that are allowed, and refused for all others", async () => {
  const { adapter, definition } = scriptedProtocols.acp ?? assert.fail();
  await inSetting(definition, async (setting) => {
    const session = await adapter.open(setting, null);
    const answer = async (kind: string) => JSON.parse(await session.prompt(envelopeOf(`ask ${kind}`), never));
    assert.deepEqual(await answer("edit"), { outcome: "selected", optionId: "o-allow_once" });
    for (const kind of ["execute", "delete", "unheard-of"]) {
      assert.deepEqual(await answer(kind), { outcome: "selected", optionId: "o-reject_once" });
    }
    await session.end();
  });
});

Deno.test("fake: so is leave that a scenario asks for", async () => {
  const { adapter, definition } = scriptedProtocols.fake ?? assert.fail();
  await inSetting(definition, async (setting) => {
    const session = await adapter.open(setting, null);
    assert.equal(await session.prompt(envelopeOf("ask edit"), never), "given");
    assert.equal(await session.prompt(envelopeOf("ask"), never), "I was not given leave: run it");
    await session.end();
  });
});
