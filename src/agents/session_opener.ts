/**
 * Opens sessions: determines how an agent's programs are started, and the protocol that it speaks. Used by sessions.ts.
 * I1. Its programs get the variables that nerve.yaml names, and PATH, HOME and TMPDIR; their home is a folder of the
 *     agent's own.
 */
import { join } from "node:path";
import { makePrivateFolder } from "../base/make_folder.ts";
import { readOwnProcessId } from "../base/process_id.ts";
import { formatProcessMark, formatWork, identifyWorkspace } from "../base/program_mark.ts";
import type { AgentDefinition, AgentProtocol } from "../protocol/agent.ts";
import type { SessionRecord } from "../protocol/session.ts";
import { ToolPermissions, type ToolRequest } from "./tool_permissions.ts";
import { acpAdapter } from "./acp_adapter.ts";
import { commandAdapter } from "./command_adapter.ts";
import { fakeAdapter } from "./fake_adapter.ts";
import { RecordedSession } from "./recorded_session.ts";
import { type AgentAdapter, AgentFault, type AgentSession, type HostPorts, type SessionSetting } from "./ports.ts";
import { terminalAdapter } from "./terminal_adapter.ts";

const adapters: Readonly<Record<AgentProtocol, AgentAdapter>> = {
  acp: acpAdapter,
  command: commandAdapter,
  fake: fakeAdapter,
  terminal: terminalAdapter,
};
let programs = 0;

/** No program runs yet. Throws an AgentFault. */
export async function openSession(
  { clock, workspace, homes, sockets, variables, noteFor, wall: findWall, askLeave }: HostPorts,
  record: SessionRecord,
  definition: AgentDefinition,
  mayStart: SessionSetting["mayStart"],
): Promise<AgentSession> {
  const { id, cwd, conversation } = record, all = variables(), home = join(homes, definition.name);
  for (const folder of [homes, home]) makePrivateFolder(folder);
  const unset = definition.env.find((variable) => all[variable] === undefined);
  if (unset !== undefined) throw new AgentFault(`its variable ${unset} is set nowhere`);
  const own = ["PATH", ...definition.env].flatMap((variable) => {
    const value = all[variable];
    return value === undefined ? [] : [[variable, value] as const];
  });
  const env: Record<string, string> = { ...Object.fromEntries(own), HOME: home };
  const wall = findWall(definition, { cwd, home, env });
  const mark = markSession(workspace, definition.name, id), note = noteFor(id);
  if (wall !== null) makePrivateFolder(env.TMPDIR = join(home, "tmp"));
  const leaves = new ToolPermissions(definition, { cwd, home }, (asked, signal) => askLeave(record, asked, signal));
  const mayUse = (asked: ToolRequest, signal: AbortSignal) => leaves.decide(asked, signal);
  const programs = { cwd, workspace, env, mark, wall, mayStart };
  const setting = { sessionId: id, definition, ...programs, note, sockets, mayUse, clock };
  return new RecordedSession(await adapters[definition.protocol].open(setting, conversation), note);
}

/** Every session has its own mark, by which its programs are found. */
function markSession(workspace: string, agent: string, sessionId: string): string {
  const { pid, startTime } = readOwnProcessId(), owner = { pid, startTime: startTime ?? "" };
  const program = { workspace: identifyWorkspace(workspace), owner, process: ++programs, kind: "agent", unit: agent };
  return formatProcessMark(program) + formatWork(0, sessionId);
}
