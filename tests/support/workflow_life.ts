/** Steps that tests of runs in real processes repeat. */
import { isPlainObject } from "../../src/protocol/json.ts";
import type { LogType } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { within, type WorkspaceFixture } from "./workspace_fixture.ts";

/** The run once it has ended, even if that was before this call. */
export async function runEnd(workspace: WorkspaceFixture, runId: string): Promise<Run> {
  const { api: view } = workspace.kernel;
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

/** The text of a workflow with these roles, which run in order unless a moderator is given. */
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

/**
 * The text and the settings of a workflow whose role waits at a gate until the file `gate/open` exists; it emits "RUN
 * works" when it begins. `rounds`: the number of its rounds.
 */
export const gated = {
  text: (rounds = 1): string =>
    steps(
      `pass: async ({ start, log, config }) => {
        log("info", start.runId + " works");
        const open = () => { try { Deno.statSync(String(config.open)); return true; } catch { return false; } };
        while (!open()) await new Promise((resolve) => setTimeout(resolve, 5));
        return { content: "passed", meta: {} };
      }`,
      `({ messages }) => messages.length < ${rounds} ? "pass" : END`,
    ),
  settings: { permissions: { read: ["./gate"] }, config: { open: "gate/open" } },
};

/** Creates the gate's folder; the gate is closed. */
export function closeGate(workspace: WorkspaceFixture): void {
  Deno.mkdirSync(`${workspace.root}/gate`, { recursive: true });
}

export function openGate(workspace: WorkspaceFixture): void {
  workspace.write("gate/open", "");
}

/** Starts a run and waits until its role works. */
export async function atWork(workspace: WorkspaceFixture, workflow: string, runId: string): Promise<void> {
  const from = workspace.events.length;
  await workspace.kernel.startWorkflow(workflow, { runId });
  await workspace.log(`workflow:${workflow}`, new RegExp(`^${runId} works$`), from);
}
