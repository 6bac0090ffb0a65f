/**
 * The protocol `fake`: a scripted agent, to try out workflows without a real one. It is a program like any other, nerve
 * itself (fake_agent.ts), and speaks `acp`; each prompt contains its instructions.
 */
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { scenarioFileMaxBytes } from "../base/agent_limits.ts";
import { messageOf } from "../base/errors.ts";
import { describeSystemError } from "../base/os_error.ts";
import { buildSelfArguments, findDenoCache, findOwnProgram, smallHeap } from "../base/self_exec.ts";
import { type Scenario, scenarioSchema } from "../protocol/scenario.ts";
import { AcpSession } from "./acp_adapter.ts";
import { type AgentAdapter, AgentFault, type SessionSetting } from "./ports.ts";

/** The scenario of an agent that has none of its own. */
const standardScenario: Scenario = [
  {
    when: { phase: "implementation" },
    do: [
      { write: { file: "fake-agent.txt", text: "Written by nerve's scripted agent in the run {run}.\n" } },
      { commit: "Write fake-agent.txt, as the scripted agent does" },
      { answer: "I have written fake-agent.txt, and committed it." },
    ],
  },
  { do: [{ answer: "I am nerve's scripted agent, in the role {role}. I was asked:\n{prompt}" }] },
];

export const fakeAdapter: AgentAdapter = {
  open: (setting, conversation) => {
    const { definition, env } = setting, cache = findDenoCache(Deno.env.toObject());
    const command = [findOwnProgram(), ...buildSelfArguments("agents/fake_agent.ts"), "__agent"];
    const own = {
      ...cache !== null && { DENO_DIR: cache },
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      DENO_V8_FLAGS: smallHeap.join(","),
    };
    const played = { ...setting, definition: { ...definition, command }, env: { ...env, ...own } };
    return Promise.resolve(
      new AcpSession(played, conversation, async (envelope) => {
        return { nerve: { envelope, scenario: await loadScenario(setting) } };
      }),
    );
  },
};

/** A file is read for each prompt, so that edits take effect. */
async function loadScenario({ definition: { scenario }, workspace }: SessionSetting): Promise<Scenario> {
  if (scenario === null) return standardScenario;
  if (typeof scenario !== "string") return scenario;
  const parsed = scenarioSchema.safeParse(await readScenario(join(workspace, scenario), scenario), { jitless: true });
  if (parsed.success) return parsed.data;
  throw new AgentFault(`its scenario ${scenario} cannot be used: ${z.prettifyError(parsed.error)}`);
}

async function readScenario(path: string, name: string): Promise<unknown> {
  let text: string;
  try {
    const { size } = await Deno.stat(path);
    if (size > scenarioFileMaxBytes) throw new AgentFault(`its scenario ${name} is larger than 64 KiB`);
    text = await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof AgentFault) throw thrown;
    throw new AgentFault(`its scenario ${name} cannot be read: ${describeSystemError(thrown)}`);
  }
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (thrown) {
    throw new AgentFault(`its scenario ${name} is not YAML: ${messageOf(thrown)}`);
  }
}
