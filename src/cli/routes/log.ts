/** The commands that ask what happened: events, why. And the completions of a shell. */
import type { Command } from "@stricli/core";
import { type CliContext, command, durationFlag, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeRuns, proposeSenses } from "../completion_names.ts";
import { parseShell, shells } from "../shells.ts";

export const logCommands: Readonly<Record<string, Command<CliContext>>> = {
  events: command(
    async () => (await import("../commands/events.ts")).events,
    {
      brief: "Rows of the log, the newest last",
      details: "Rows of the log, the newest last. With --follow it goes on with what happens, until Ctrl-C.",
      examples: [
        "nerve events --type sense.signal --since 1h",
        "nerve events --source sense:disk-usage --json",
        "nerve events -f --type run.failed",
        "nerve events --archived --type run.failed --since 90d",
      ],
    },
    {
      flags: {
        follow: switchFlag("Go on with what happens; needs the daemon"),
        source: textFlag("kernel, group:NAME, sense:NAME or workflow:NAME", "SOURCE"),
        type: textFlag("Such as sense.signal or run.completed", "TYPE"),
        ref: textFlag("A run id, or the name of a sense or group", "REF"),
        archived: switchFlag("Also rows that have left the log for its archive"),
        since: durationFlag("Not older than this", "DURATION"),
        before: wholeNumberFlag("Only rows before this id", "ID", 1),
        limit: wholeNumberFlag("How many rows; default 50, with --follow the last 10", "N", 1),
      },
      json: "Print one line of JSON a row",
      aliases: { f: "follow" },
    },
  ),
  why: command(
    async () => (await import("../commands/why.ts")).why,
    {
      brief: "Why something happened, or why a sense said nothing",
      details:
        "The chain of causes of a signal, run or row of the log, back to the first sample. With --sense: what a " +
        "sense lately did not say, and the reasons.",
      examples: ["nerve why 1042", "nerve why RUN", "nerve why --sense disk-usage"],
    },
    {
      flags: {
        sense: { ...textFlag("The sense whose silence is to be explained", "NAME"), proposeCompletions: proposeSenses },
        limit: wholeNumberFlag("How many reasons, with --sense; default 20", "N", 1),
      },
      json: true,
      positional: {
        kind: "tuple",
        parameters: [{
          brief: "The id of a signal, a run or a row",
          placeholder: "ID",
          parse: String,
          optional: true,
          proposeCompletions: proposeRuns,
        }],
      },
    },
  ),
  completions: command(
    async () => (await import("../commands/completions.ts")).completions,
    {
      brief: "Print the completions of a shell",
      details: "Prints what makes a shell complete commands, flags, and the names of senses, workflows and runs.",
      examples: [
        "source <(nerve completions bash)",
        "nerve completions zsh > ~/.zfunc/_nerve",
        "nerve completions fish > ~/.config/fish/completions/nerve.fish",
      ],
    },
    {
      workspace: false,
      positional: {
        kind: "tuple",
        parameters: [{
          brief: "bash, zsh or fish",
          placeholder: "SHELL",
          parse: parseShell,
          proposeCompletions: () => shells,
        }],
      },
    },
  ),
};
