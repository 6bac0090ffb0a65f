/** The commands below `nerve workflow`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
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

const trigger = defineCommand(
  async () =>
    (await import("../commands/workflow_trigger.ts"))
      .workflowTrigger,
  {
    brief: "Start a run in the running daemon",
    details: "Starts a run and prints its id. With --wait it follows the run and exits with the run's exit code.",
    examples: [
      "nerve workflow trigger cleanup --wait",
      `nerve workflow trigger notify --payload '{"text":"hello"}' --id hello-1`,
      "nerve workflow trigger cleanup --in 2h",
    ],
  },
  {
    flags: {
      payload: textFlag("The run's payload", "JSON"),
      prompt: textFlag("The run's prompt", "TEXT"),
      maxRounds: wholeNumberFlag("The maximum number of rounds", "N", 1),
      id: textFlag("The run's id; an existing id attaches to that run", "ID"),
      at: textFlag("When it starts, such as 2026-12-24T18:00 in local time", "TIME"),
      in: textFlag("After which time it starts, such as 1h30m", "SPAN"),
      wait: switchFlag("Wait until the run has ended"),
    },
    json: true,
    positional: { kind: "tuple", parameters: [workflowName] },
  },
);

const rerun = defineCommand(
  async () => (await import("../commands/workflow_rerun.ts")).workflowRerun,
  {
    brief: "Start a new run with the input of an earlier one",
    details:
      "The new run has the prompt, the payload and the maximum of rounds of the earlier one, and today's code. Prints its\n" +
      "id. With --wait it follows the run and exits with the run's exit code.",
    examples: ["nerve workflow rerun RUN --wait"],
  },
  {
    flags: {
      id: textFlag("The new run's id; an existing id attaches to that run", "ID"),
      wait: switchFlag("Wait until the run has ended"),
    },
    json: true,
    positional: run,
  },
);

const fork = defineCommand(
  async () => (await import("../commands/workflow_fork.ts")).workflowFork,
  {
    brief: "Start a new run in the middle of an earlier one",
    details:
      "The new run has the input of the earlier one and its messages before the round --from, and goes on there with\n" +
      "today's code. Prints its id. With --wait it follows the run and exits with the run's exit code.",
    examples: ["nerve workflow fork RUN --from 3"],
  },
  {
    flags: {
      from: wholeNumberFlag("The first round that the new run plays itself", "ROUND", 1),
      id: textFlag("The new run's id; an existing id attaches to that run", "ID"),
      wait: switchFlag("Wait until the run has ended"),
    },
    json: true,
    positional: run,
  },
);

const kill = defineCommand(
  async () => (await import("../commands/workflow_kill.ts")).workflowKill,
  {
    brief: "End a run for good",
    details:
      "Ends a run that has not ended, in the running daemon: status killed, exit code 137. Its role is aborted; if\n" +
      "the role does not return within 5 s, its process is recycled. Exits 1 when the run has already ended.",
    examples: ["nerve workflow kill RUN", `nerve workflow kill RUN --reason "not needed any more"`],
  },
  {
    flags: { reason: textFlag("The reason to record for the run", "TEXT") },
    json: true,
    positional: run,
  },
);

const pause = defineCommand(
  async () => (await import("../commands/workflow_pause.ts")).workflowPause,
  {
    brief: "Pause a run until it is resumed",
    details:
      "Pauses a queued, started or waiting run in the running daemon. A role that is running is aborted, and runs again\n" +
      "after the resume. A run that is paused stays as it is.",
    examples: [`nerve workflow pause RUN --reason "the registry is down"`],
  },
  { flags: { reason: textFlag("The reason to record for the run", "TEXT") }, json: true, positional: run },
);

const resume = defineCommand(
  async () => (await import("../commands/workflow_pause.ts")).workflowResume,
  {
    brief: "Let a paused run go on",
    details:
      "The run goes on from where it was: at its place in the queue, with the role of its round, or with its wait. With\n" +
      "--accept-code a run that is paused for its code goes on too: it would have chosen other roles, and its messages stay as\n" +
      "they are.",
    examples: ["nerve workflow resume RUN", "nerve workflow resume RUN --accept-code"],
  },
  {
    flags: { acceptCode: switchFlag("Go on although the code contradicts the run's messages") },
    json: true,
    positional: run,
  },
);

const send = defineCommand(
  async () => (await import("../commands/workflow_send.ts")).workflowSend,
  {
    brief: "Send an event to a run",
    details:
      "Sends an event to a run in the running daemon. A run that waits for it goes on; otherwise the event is kept for\n" +
      "it, up to 1,000 events. The same --key again is the same event: it is answered again, and changes nothing.",
    examples: [`nerve workflow send RUN deployed --payload '{"version":"1.2"}' --key deploy-1.2`],
  },
  {
    flags: {
      payload: textFlag("What the event says; default: {}", "JSON"),
      key: textFlag("The same at every retry of this event; default: a new one", "KEY"),
    },
    json: true,
    positional: {
      kind: "tuple",
      parameters: [...run.parameters, { brief: "The name of the event", placeholder: "EVENT", parse: String }],
    },
  },
);

const reset = defineCommand(
  async () => (await import("../commands/reset.ts")).workflowReset,
  {
    brief: "Lift the quarantine of a workflow",
    details:
      "A workflow whose process died 5 times in 60 s, or too often in 10 minutes, starts no process until it is\n" +
      "reset, its files change, or nerve.yaml is reloaded. Its runs are kept and continue then.",
    examples: ["nerve workflow reset cleanup"],
  },
  {
    json: true,
    positional: { kind: "tuple", parameters: [workflowName] },
  },
);

export const workflowCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/workflow_list.ts")).workflowList,
      {
        brief: "List workflows and their runs",
        details: "Lists workflows and their unfinished runs; with --all every run, newest first.",
        examples: ["nerve workflow list", "nerve workflow list --all --workflow cleanup --status failed,crashed"],
      },
      {
        flags: {
          all: switchFlag("Include runs that have ended"),
          workflow: { ...textFlag("Only runs of this workflow", "NAME"), proposeCompletions: proposeWorkflows },
          status: textFlag("Only these statuses, separated by commas", "STATUS"),
          limit: wholeNumberFlag("How many runs; default 20", "N", 1),
          offset: wholeNumberFlag("How many to skip", "N", 0),
        },
        json: true,
      },
    ),
    inspect: defineCommand(
      async () =>
        (await import("../commands/workflow_inspect.ts"))
          .workflowInspect,
      { brief: "Show a run, its attempts and its log", examples: ["nerve workflow inspect RUN"] },
      {
        flags: {
          limit: wholeNumberFlag("How many rows of its log; default 20", "N", 1),
          after: wholeNumberFlag("Only rows after this id", "ID", 0),
        },
        json: true,
        positional: run,
      },
    ),
    thread: defineCommand(
      async () =>
        (await import("../commands/workflow_thread.ts"))
          .workflowThread,
      {
        brief: "Show the messages of a run",
        details: "Shows the newest messages of a run that fit into the budget, oldest first.",
        examples: ["nerve workflow thread RUN", "nerve workflow thread RUN --before 12 --budget 4000"],
      },
      {
        flags: {
          before: wholeNumberFlag("Only rounds before this one", "ROUND", 1),
          budget: wholeNumberFlag("How many characters to show at most; default 20000", "CHARS", 1),
        },
        json: true,
        positional: run,
      },
    ),
    follow: defineCommand(
      async () => (await import("../commands/workflow_follow.ts")).workflowFollow,
      {
        brief: "Watch a run until it ends",
        details:
          "Prints the rounds of a run, its rows in the log and what its roles print, from its first row on, as it happens.\n" +
          "Exits with the run's exit code. A run that has ended is printed without a daemon.",
        examples: ["nerve workflow follow RUN", "nerve workflow follow RUN --json"],
      },
      { json: true, positional: run },
    ),
    trigger,
    rerun,
    fork,
    kill,
    pause,
    resume,
    send,
    reset,
    ...libraryRoutes("workflows"),
  },
  docs: {
    brief:
      "Show workflows and their runs, start, follow, fork, kill, pause and send to runs, add workflows from the library",
  },
});
