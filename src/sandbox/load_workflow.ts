/** Loads the module of a workflow, and reads what it exports. Used by workflow_runtime.ts. */
import type { LoadProblem, WorkflowSpec } from "../protocol/message.ts";
import type { Workflow } from "../sdk/workflow.ts";
import { toLoadProblem } from "./error_text.ts";
import { type AnyPlan, readWorkflow } from "./roles.ts";
import { importUserModule } from "./user_module.ts";

export type Loaded =
  | { readonly ok: true; readonly workflow: Workflow; readonly roles: ReadonlyMap<string, AnyPlan> }
  | { readonly ok: false; readonly problem: LoadProblem };

/** `prepare` runs before any user code; what it throws is a problem like one of the module. */
export async function loadWorkflow(
  { entry, approvers }: Pick<WorkflowSpec, "entry" | "approvers">,
  folder: string,
  prepare: () => Promise<void>,
): Promise<Loaded> {
  try {
    await prepare();
    const module = await importUserModule(entry);
    const roles = readWorkflow(module.default, approvers);
    if (roles.ok) return { ok: true, workflow: module.default as Workflow, roles: roles.value };
    return { ok: false, problem: { message: roles.error, place: { file: entry, line: 1, column: 1 } } };
  } catch (thrown) {
    return { ok: false, problem: toLoadProblem(thrown, folder) };
  }
}
