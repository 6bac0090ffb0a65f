/** What tests of runs in real processes ask for again and again. */
import { isPlainObject } from "../../src/protocol/json.ts";
import type { LogType } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { within, type WorkspaceFixture } from "./workspace_fixture.ts";

/** The run once it has ended; also when that was before this call. */
export async function runEnd(workspace: WorkspaceFixture, runId: string): Promise<Run> {
  const { view } = workspace.kernel;
  await within(view.runEnded(runId, new AbortController().signal), `run ${runId} to end`, () => story(workspace));
  const run = view.records.run(runId);
  if (run === null) throw new Error(`there is no run ${runId}`);
  return run;
}

/** The payloads of the rows of one type about a run, oldest first. */
export async function rowsOf(
  workspace: WorkspaceFixture,
  runId: string,
  type: LogType,
): Promise<Record<string, unknown>[]> {
  return (await workspace.rows({ refId: runId, type })).map(({ payload }) => isPlainObject(payload) ? payload : {});
}

function story(workspace: WorkspaceFixture): string {
  return workspace.events.slice(-10).map((event) => `  ${JSON.stringify(event).slice(0, 300)}`).join("\n");
}

/** Text of a workflow of these roles, which it does in their order unless a moderator is given. */
export function steps(
  roles: string,
  moderator = `({ messages }) => Object.keys(roles)[messages.length] ?? END`,
): string {
  return `import { defineWorkflow, END, type Role } from "nerve";
const roles: Record<string, Role> = { ${roles} };
void END;
export default defineWorkflow({ roles, moderator: (${moderator}) as never });
`;
}
