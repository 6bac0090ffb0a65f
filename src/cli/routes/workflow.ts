/** `nerve workflow ...` */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, command, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeRuns, proposeWorkflows } from "../completion_names.ts";
import { libraryRoutes } from "./library.ts";

const workflowName = {
  brief: "The workflow",
  placeholder: "NAME",
  parse: String,
  proposeCompletions: proposeWorkflows,
} as const;
const run = {
  kind: "tuple",
  parameters: [{ brief: "The id of a run", placeholder: "RUN", parse: String, proposeCompletions: proposeRuns }],
} as const;

const trigger = command(
  async () =>
    (await import("../commands/workflow_trigger.ts"))
      .workflowTrigger,
  {
    brief: "Start a run in the running daemon",
    details: "Starts a run and prints its id. With --wait it follows the run and exits with the run's exit code.",
    examples: [
      "nerve workflow trigger cleanup --wait",
      `nerve workflow trigger notify --payload '{"text":"hello"}' --id hello-1`,
    ],
  },
  {
    flags: {
      payload: textFlag("The run's payload", "JSON"),
      prompt: textFlag("The run's prompt", "TEXT"),
      maxRounds: wholeNumberFlag("The cap of its rounds", "N", 1),
      id: textFlag("Its id; one that exists attaches to that run", "ID"),
      wait: switchFlag("Wait for its end"),
    },
    json: true,
    positional: { kind: "tuple", parameters: [workflowName] },
  },
);

const kill = command(
  async () => (await import("../commands/workflow_kill.ts")).workflowKill,
  {
    brief: "End a run, for good",
    details: "Ends a queued or started run in the running daemon: status killed, exit code 137. Its role is told to\n" +
      "abort; a role that does not come to rest within 5 s loses its process. A run that has ended: exit code 1.",
    examples: ["nerve workflow kill RUN", `nerve workflow kill RUN --reason "not needed any more"`],
  },
  {
    flags: { reason: textFlag("What the run's record will say", "TEXT") },
    json: true,
    positional: run,
  },
);

const reset = command(
  async () => (await import("../commands/reset.ts")).workflowReset,
  {
    brief: "Lift the quarantine of a workflow",
    details:
      "A workflow whose process died 5 times in 60 s starts no process until it is reset, its files change, or\n" +
      "nerve.yaml is loaded again. Its runs are still there and go on then.",
    examples: ["nerve workflow reset cleanup"],
  },
  {
    json: true,
    positional: { kind: "tuple", parameters: [workflowName] },
  },
);

export const workflowCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: command(
      async () => (await import("../commands/workflow_list.ts")).workflowList,
      {
        brief: "Workflows and their runs",
        details: "Workflows and their runs that have not ended; with --all every run, newest first.",
        examples: ["nerve workflow list", "nerve workflow list --all --workflow cleanup --status failed,crashed"],
      },
      {
        flags: {
          all: switchFlag("Runs that have ended as well"),
          workflow: { ...textFlag("Only runs of this workflow", "NAME"), proposeCompletions: proposeWorkflows },
          status: textFlag("Only these statuses, separated by commas", "STATUS"),
          limit: wholeNumberFlag("How many runs; default 20", "N", 1),
          offset: wholeNumberFlag("How many to skip", "N", 0),
        },
        json: true,
      },
    ),
    inspect: command(
      async () =>
        (await import("../commands/workflow_inspect.ts"))
          .workflowInspect,
      { brief: "One run: what it is, its attempts, its log", examples: ["nerve workflow inspect RUN"] },
      {
        flags: {
          limit: wholeNumberFlag("How many rows of its log; default 20", "N", 1),
          after: wholeNumberFlag("Only rows after this id", "ID", 0),
        },
        json: true,
        positional: run,
      },
    ),
    thread: command(
      async () =>
        (await import("../commands/workflow_thread.ts"))
          .workflowThread,
      {
        brief: "The messages of a run",
        details: "The newest messages of a run that fit the budget, oldest first.",
        examples: ["nerve workflow thread RUN", "nerve workflow thread RUN --before 12 --budget 4000"],
      },
      {
        flags: {
          before: wholeNumberFlag("Only rounds before this one", "ROUND", 1),
          budget: wholeNumberFlag("How many characters may be shown; default 20000", "CHARS", 1),
        },
        json: true,
        positional: run,
      },
    ),
    trigger,
    kill,
    reset,
    ...libraryRoutes("workflows"),
  },
  docs: { brief: "Look at workflows and their runs, start and end them, add workflows from the library" },
});
