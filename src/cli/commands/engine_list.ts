/** `nerve engine list`: the engines of nerve.yaml, and the workflows whose runs each keeps. */
import { type CliIo, exit } from "../io.ts";
import type { EngineListOutput } from "../render/engine_schemas.ts";
import { dim, print, printJson, printTable } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function engineList(io: CliIo, flags: Flags): Promise<number> {
  const { engines, workflows } = await requireConfig(await openWorkspace(io, flags.workspace));
  const workflowsOf = (name: string | null) => [...workflows.values()].filter(({ engine }) => engine === name);
  const items = [...engines.values()].map(({ name, kind, ingress }) => {
    return { name, kind, ingress: [...ingress], workflows: workflowsOf(name).map((workflow) => workflow.name) };
  });
  if (flags.json) {
    printJson(io, { items } satisfies EngineListOutput);
    return exit.ok;
  }
  const local = workflowsOf(null).map(({ name }) => name).join(", ") || "-";
  const rows = items.map((
    { name, kind, ingress, workflows },
  ) => [name, kind, ingress.join(", "), workflows.join(", ") || "-"]);
  printTable(io, ["ENGINE", "KIND", "SERVER", "WORKFLOWS"], [["local", "embedded", "-", local], ...rows]);
  if (items.length > 0) print(io, dim(io, "nerve engine status asks the servers how they are"));
  return exit.ok;
}
