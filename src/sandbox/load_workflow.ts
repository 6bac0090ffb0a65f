/** Loads the module of a workflow, and reads what it exports. Used by workflow_runtime.ts. */
import type { LoadProblem, WorkflowSpec } from "../protocol/message.ts";
import type { Workflow } from "../sdk/workflow.ts";
import { toLoadProblem } from "./error_text.ts";
import { type AnyPlan, readWorkflow } from "./roles.ts";
import { type FinallyPlan, readFinallyPlan } from "./run_finally.ts";
import { isWait } from "./waits.ts";
import { importUserModule } from "./user_module.ts";

export type Loaded =
  | {
    readonly ok: true;
    readonly workflow: Workflow;
    readonly roles: ReadonlyMap<string, AnyPlan>;
    readonly closing: FinallyPlan | null;
  }
  | { readonly ok: false; readonly problem: LoadProblem };

/** `prepare` runs before any user code; what it throws is reported like an error of the module. */
export async function loadWorkflow(
  { entry, approvers, agents, engine }: Pick<WorkflowSpec, "entry" | "approvers" | "agents" | "engine">,
  folder: string,
  prepare: () => Promise<void>,
): Promise<Loaded> {
  try {
    await prepare();
    const module = await importUserModule(entry);
    const roles = readWorkflow(module.default, approvers, { agents, folder });
    const toProblem = (message: string): Loaded => ({
      ok: false,
      problem: { message, place: { file: entry, line: 1, column: 1 } },
    });
    if (!roles.ok) return toProblem(roles.error);
    const refused = engine === null ? null : findRefused(module.default as Workflow, engine);
    if (refused !== null) return toProblem(refused);
    const workflow = module.default as Workflow, closing = readFinallyPlan(workflow.finally);
    return closing.ok ? { ok: true, workflow, roles: roles.value, closing: closing.value } : toProblem(closing.error);
  } catch (thrown) {
    return { ok: false, problem: toLoadProblem(thrown, folder) };
  }
}

/** What the workflow needs but a distributed engine cannot do; docs/engines.md has the reasons. Null: nothing. */
function findRefused({ roles }: Workflow, engine: string): string | null {
  const found = Object.entries(roles).find(([, role]) => isWait(role) && role.wait === "children");
  if (found === undefined) return null;
  return `its role ${found[0]} starts runs with children(), which engine ${engine} cannot do (docs/engines.md): ` +
    "remove engine from nerve.yaml, or start the runs from a role";
}
