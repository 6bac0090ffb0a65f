/** `nerve develop`, and the commands below `nerve worktree`. */
import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag } from "../command.ts";
import { proposeRuns } from "../completion_names.ts";

export const developCommands: Readonly<Record<string, Command<CliContext>>> = {
  develop: defineCommand(
    async () => (await import("../commands/develop.ts")).develop,
    {
      brief: "Let agents develop something in a repository, on a branch of its own",
      details:
        "Starts a run of the workflow develop, prints its id, and returns when it has come to its first rest: it waits for a\n" +
        "decision, is queued or paused, or has ended; then it exits with the run's exit code. What is asked is the text of\n" +
        "--requirements. A run whose --id exists is not started again. nerve workflow add develop comes first.",
      examples: [
        "nerve develop . --requirements wish.txt",
        "nerve develop ~/shop --requirements wish.txt --base stable --agent claude --id wish-1",
      ],
    },
    {
      flags: {
        requirements: textFlag("What is wanted, in your words", "FILE"),
        base: textFlag("The branch that the work begins at; default: main", "BRANCH"),
        agent: textFlag("Who does it; default: as nerve.yaml and the template say", "NAME"),
        id: textFlag("The run's id; an existing id attaches to that run", "ID"),
      },
      json: true,
      positional: {
        kind: "tuple",
        parameters: [{ brief: "The folder of a git repository", placeholder: "REPO", parse: String }],
      },
    },
  ),
};

export const worktreeCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/worktree.ts")).worktreeList,
      { brief: "List what runs have checked out", examples: ["nerve worktree list", "nerve worktree list --json"] },
      { json: true },
    ),
    clean: defineCommand(
      async () => (await import("../commands/worktree.ts")).worktreeClean,
      {
        brief: "Remove the worktrees of runs that have ended",
        details:
          "Removes their folders; the branches stay, and with them what is committed. With RUN only those. A worktree whose\n" +
          "run goes on stays.",
        examples: ["nerve worktree clean", "nerve worktree clean RUN", "nerve worktree clean --orphans"],
      },
      {
        flags: {
          orphans: switchFlag("Also those of no run, such as of data that was restored"),
          force: switchFlag("Also those with changes that are not committed"),
        },
        json: true,
        positional: {
          kind: "array",
          parameter: { brief: "Runs", placeholder: "RUN", parse: String, proposeCompletions: proposeRuns },
        },
      },
    ),
  },
  docs: { brief: "Show and remove what runs have checked out" },
});
