/** `nerve crashtest`. */
import type { Command } from "@stricli/core";
import { type CliContext, defineCommand, durationFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeRuns, proposeWorkflows } from "../completion_names.ts";

const many = (brief: string, placeholder: string) =>
  ({ kind: "parsed", parse: String, brief, placeholder, optional: true, variadic: true }) as const;

export const crashtestCommands: Readonly<Record<string, Command<CliContext>>> = {
  crashtest: defineCommand(
    async () => (await import("../commands/crashtest.ts")).crashtest,
    {
      brief: "Kill a workflow at every boundary of a run, and compare with an undisturbed one",
      details:
        "Runs the workflow in a scratch copy of the workspace, with a daemon of its own: first undisturbed, then once for\n" +
        "each boundary of that run, at which kill -9 strikes its process or the daemon. Exits 1 when a run is lost, a\n" +
        "message is missing, or a role with the effect once ran twice.\n" +
        "Neither the workspace nor its daemon is touched. But roles really run, many times, with their permissions: what\n" +
        "they do to other machines and files outside of the workspace, they do. --replay plays recorded messages instead.\n" +
        "Gates are decided by their first option, sleeps last 3s at most, and retries wait for at most 200ms.",
      examples: [
        "nerve crashtest cleanup",
        `nerve crashtest deploy --payload '{"to":"test"}' --decide approve=reject --event deployed='{"version":1}'`,
        "nerve crashtest charge --replay RUN --json",
      ],
    },
    {
      flags: {
        payload: textFlag("The payload of each run", "JSON"),
        prompt: textFlag("The prompt of each run", "TEXT"),
        decide: many("What a gate is decided as; default: its first option", "GATE=OPTION"),
        event: many("The payload of an event that the workflow waits for", "NAME=JSON"),
        replay: {
          ...textFlag("Play the messages of this run instead of the roles", "RUN"),
          proposeCompletions: proposeRuns,
        },
        limit: wholeNumberFlag("How many boundaries at most; default 60", "N", 1),
        timeout: durationFlag("How long a run may take; default 1m", "DURATION"),
        seed: wholeNumberFlag("Chooses among more boundaries than the limit", "N", 0),
      },
      json: true,
      positional: {
        kind: "tuple",
        parameters: [{
          brief: "The workflow",
          placeholder: "WORKFLOW",
          parse: String,
          proposeCompletions: proposeWorkflows,
        }],
      },
    },
  ),
};
