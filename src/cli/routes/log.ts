/** `nerve events`, `nerve why` and `nerve bundle`, which show what happened; and `nerve completions`. */
import type { Command } from "@stricli/core";
import { sourceForms } from "../../protocol/log_source.ts";
import { type CliContext, defineCommand, durationFlag, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeAlerts, proposeRuns, proposeSenses } from "../completion_names.ts";
import { parseShell, shells } from "../shells.ts";

export const logCommands: Readonly<Record<string, Command<CliContext>>> = {
  events: defineCommand(
    async () => (await import("../commands/events.ts")).events,
    {
      brief: "Show rows of the log, newest last",
      details: "Shows rows of the log, newest last. With --follow it prints new rows as they come, until Ctrl-C.",
      examples: [
        "nerve events --type sense.signal --since 1h",
        "nerve events --source sense:disk-usage --json",
        "nerve events -f --type run.failed",
        "nerve events --archived --type run.failed --since 90d",
      ],
    },
    {
      flags: {
        follow: switchFlag("Follow new rows; needs the daemon"),
        source: textFlag(sourceForms, "SOURCE"),
        type: textFlag("Such as sense.signal or run.completed", "TYPE"),
        ref: textFlag("A run id, or the name of a sense or group", "REF"),
        archived: switchFlag("Include archived rows"),
        since: durationFlag("Only rows newer than this", "DURATION"),
        before: wholeNumberFlag("Only rows before this id", "ID", 1),
        limit: wholeNumberFlag("How many rows; default 50, with --follow 10", "N", 1),
      },
      json: "Print each row as a line of JSON",
      aliases: { f: "follow" },
    },
  ),
  why: defineCommand(
    async () => (await import("../commands/why.ts")).why,
    {
      brief: "Explain why something happened, why a sense gave no signal, or why an alert fires",
      details:
        "Shows the chain of causes of a signal, run or row of the log, back to the first compute. With --sense: why a " +
        "sense recently gave no signal. With --alert: why an alert fires, or does not.",
      examples: ["nerve why 1042", "nerve why RUN", "nerve why --sense disk-usage", "nerve why --alert disk-full"],
    },
    {
      flags: {
        sense: { ...textFlag("The sense that gave no signal", "NAME"), proposeCompletions: proposeSenses },
        alert: { ...textFlag("The alert that fires, or does not", "NAME"), proposeCompletions: proposeAlerts },
        limit: wholeNumberFlag("How many rows to show with --sense or --alert; default 20", "N", 1),
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
  bundle: defineCommand(
    async () => (await import("../commands/bundle.ts")).bundle,
    {
      brief: "Write the whole story of a run into one file",
      details:
        "Writes JSON lines: the run, what caused it, its rows, messages, requests and decisions, and the same of each run that\n" +
        "it started and waited for. The last line has the digest of all others. Granted variables are masked as everywhere.",
      examples: ["nerve bundle RUN", "nerve bundle RUN --out /tmp/story.jsonl"],
    },
    {
      flags: {
        out: textFlag("The file; default: RUN.bundle.jsonl in this folder", "FILE"),
        force: switchFlag("Replace a file that exists"),
      },
      json: true,
      positional: {
        kind: "tuple",
        parameters: [{ brief: "The id of a run", placeholder: "RUN", parse: String, proposeCompletions: proposeRuns }],
      },
    },
  ),
  completions: defineCommand(
    async () => (await import("../commands/completions.ts")).completions,
    {
      brief: "Print completions for a shell",
      details:
        "Prints a script with which the shell completes commands, flags, and the names of senses, workflows and runs.",
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
