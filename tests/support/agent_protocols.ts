/** Each agent protocol, with a scripted agent that is a real process and does what a prompt says, word for word. */
import { acpAdapter } from "../../src/agents/acp_adapter.ts";
import { commandAdapter } from "../../src/agents/command_adapter.ts";
import { fakeAdapter } from "../../src/agents/fake_adapter.ts";
import type { AgentAdapter, SessionSetting } from "../../src/agents/ports.ts";
import { terminalAdapter } from "../../src/agents/terminal_adapter.ts";
import { systemClock } from "../../src/base/clock.ts";
import { isGoneProcess } from "../../src/base/if_present.ts";
import { markVariable } from "../../src/base/program_mark.ts";
import { delay } from "../../src/base/time.ts";
import { type AgentDefinition, noBudget, type PromptEnvelope } from "../../src/protocol/agent.ts";
import type { Scenario } from "../../src/protocol/scenario.ts";
import { hasProgram } from "./debian.ts";
import { repository } from "./source_files.ts";
import { inTempDir } from "./temp_workspace.ts";
import { deadlineMs } from "./workspace_fixture.ts";

export interface ScriptedProtocol {
  readonly adapter: AgentAdapter;
  readonly definition: AgentDefinition;
  /** Whether the agent runs any program that a prompt names, and so reveals its variables. */
  readonly isProgram: boolean;
  /** Whether it can refuse a prompt; else everything that it prints is its answer. */
  readonly refuses: boolean;
}

const agent = [Deno.execPath(), "run", "-A", "--quiet", "--no-config", `${repository}tests/support/scripted_agent.ts`];
const plain = {
  ...{ name: "a", resume: null, sessionField: null, env: ["KEY"], maxSessions: 1, allow: ["edit"], ask: [], deny: [] },
  ...{ budget: noBudget, confined: false, read: [], ready: null, idleMs: 1_000, scenario: null },
};
/** The same words as those of scripted_agent.ts. */
const scenario: Scenario = [
  { when: { prompt: "say so it is" }, do: [{ answer: "so it is" }] },
  { when: { prompt: "say here again" }, do: [{ answer: "here again" }] },
  { when: { prompt: "write out.json {}" }, do: [{ write: { file: "out.json", text: "{}" } }, { answer: "written" }] },
  { when: { prompt: "count" }, do: [{ answer: "prompt {count}" }] },
  { when: { prompt: "fail" }, do: [{ fail: "cannot" }] },
  { when: { prompt: "die" }, do: [{ die: 7 }] },
  { when: { prompt: "noise" }, do: [{ flood: 200 }, { answer: "after the noise" }] },
  { when: { prompt: "ask edit" }, do: [{ ask: { kind: "edit" } }, { answer: "given" }] },
  { when: { prompt: "ask" }, do: [{ ask: { kind: "execute", title: "run it" } }] },
  { do: [{ never: true }] },
];

/** Leaves out protocols whose programs this machine lacks. */
export const scriptedProtocols: Readonly<Record<string, ScriptedProtocol>> = {
  command: {
    adapter: commandAdapter,
    definition: {
      ...plain,
      protocol: "command",
      command: [...agent, "command"],
      resume: [...agent, "command", "{session}"],
      sessionField: "session",
    },
    isProgram: true,
    refuses: true,
  },
  acp: {
    adapter: acpAdapter,
    definition: { ...plain, protocol: "acp", command: [...agent, "acp"] },
    isProgram: true,
    refuses: true,
  },
  ...await hasProgram("tmux", "tmux") && {
    terminal: {
      adapter: terminalAdapter,
      definition: {
        ...plain,
        protocol: "terminal",
        command: [...agent, "terminal", "{session}"],
        resume: [...agent, "terminal", "{session}"],
        ready: "^> $|^>$",
      },
      isProgram: true,
      refuses: false,
    },
  },
  fake: {
    adapter: fakeAdapter,
    definition: { ...plain, protocol: "fake", command: [], env: [], scenario },
    isProgram: false,
    refuses: true,
  },
};

let sessions = 0;

/** Creates a folder that is also the home of the agent. */
export async function inSetting(
  definition: AgentDefinition,
  act: (setting: SessionSetting) => Promise<void>,
): Promise<void> {
  await inTempDir(async (cwd) => {
    const env = {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: cwd,
      KEY: "value",
      DENO_DIR: Deno.env.get("DENO_DIR") ?? `${cwd}/.deno`,
    };
    const mayUse = ({ kind }: { kind: string }) => Promise.resolve(definition.allow.includes(kind));
    const mark = `test.${Deno.pid}-0.${++sessions}.agent.a.0.s`,
      place = { cwd, workspace: cwd, sockets: () => cwd, note: () => {}, mayStart: () => Promise.resolve(() => {}) };
    await act({ sessionId: "s", definition, ...place, env, mark, wall: null, mayUse, clock: systemClock });
  });
}

export function envelopeOf(instructions: string): PromptEnvelope {
  const none = { name: null, json: null, enforced: false };
  const about = { uuid: "u", runId: "r", role: "ask", phase: null, attempt: 0, dedupKey: "r:1:0" };
  return { ...about, expectedArtifact: null, expectedSchema: none, instructions };
}

/** The pids of the processes of a session, found by its mark. */
export function runningFor({ mark }: SessionSetting): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return Number.isInteger(pid) &&
        Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").includes(`${markVariable}=${mark}`);
    } catch (thrown) {
      if (isGoneProcess(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
      throw thrown;
    }
  });
}

/** Resolves when a process of the session runs. */
export async function untilRunsFor(setting: SessionSetting): Promise<number[]> {
  const latest = systemClock.monotonic() + deadlineMs;
  for (;;) {
    const pids = runningFor(setting);
    if (pids.length > 0) return pids;
    if (systemClock.monotonic() > latest) throw new Error("nothing runs");
    await delay(systemClock, 5);
  }
}
