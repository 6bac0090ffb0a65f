/** `nerve init`, `nerve init sense` and `nerve init workflow`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag } from "../command.ts";

const workspace = defineCommand(
  async () => (await import("../commands/init.ts")).initWorkspace,
  {
    brief: "Create a workspace, with three senses and two workflows to start with",
    details: "Creates a workspace in DIR (default: here), with three senses and two workflows to start with.",
    examples: ["nerve init", "nerve init ~/watch", "nerve init --force"],
  },
  {
    flags: { force: switchFlag("Complete an existing workspace; never touches data/ or a file that you changed") },
    workspace: false,
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The folder", placeholder: "DIR", parse: String, optional: true }],
    },
  },
);

const named = (what: string) => ({
  positional: {
    kind: "tuple",
    parameters: [{ brief: `The name of the new ${what}`, placeholder: "NAME", parse: String }],
  },
} as const);

export const initCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    workspace: {
      ...workspace,
      formatUsageLine: (args) =>
        workspace.formatUsageLine({ ...args, prefix: args.prefix.filter((word) => word !== "workspace") }),
    },
    sense: defineCommand(
      async () => (await import("../commands/init_part.ts")).initSense,
      {
        brief: "Write the template of a sense into the workspace, and its lines into nerve.yaml",
        examples: ["nerve init sense queue-length"],
      },
      named("sense"),
    ),
    workflow: defineCommand(
      async () => (await import("../commands/init_part.ts")).initWorkflow,
      {
        brief: "Write the template of a workflow into the workspace, and its lines into nerve.yaml",
        examples: ["nerve init workflow restart"],
      },
      named("workflow"),
    ),
  },
  defaultCommand: "workspace",
  docs: { brief: "Create a workspace, a sense or a workflow" },
});
