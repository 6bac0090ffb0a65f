/** The commands at the top level: checking, running, looking at what happened. */
import type { Command } from "@stricli/core";
import { parseDuration } from "../../base/duration.ts";
import { type CliContext, command, jsonFlag, text, toggle, wholeNumber, workspaceFlag } from "../command.ts";

export const daemonCommands: Readonly<Record<string, Command<CliContext>>> = {
  validate: command(
    async () => (await import("../commands/validate.ts")).validate,
    {
      brief: "Check nerve.yaml and load every sense and workflow in its sandbox",
      examples: ["nerve validate", "nerve validate --strict --format github"],
    },
    {
      flags: {
        strict: toggle("Warnings fail as well"),
        format: {
          kind: "enum",
          values: ["text", "json", "github"],
          default: "text",
          brief: "How problems are printed",
        },
        workspace: workspaceFlag,
      },
      aliases: { w: "workspace" },
      positional: {
        kind: "tuple",
        parameters: [{
          brief: "The workspace, instead of --workspace",
          placeholder: "DIR",
          parse: String,
          optional: true,
        }],
      },
    },
  ),
  run: command(
    async () => (await import("../commands/run.ts")).run,
    {
      brief: "Run the workspace in the foreground",
      details: "Runs the workspace in the foreground. Ctrl-C stops in order, a second one at once.",
      examples: ["nerve run", "nerve run --for 15s"],
    },
    {
      flags: {
        for: { kind: "parsed", optional: true, placeholder: "DURATION", brief: "End after this time", parse: duration },
        workspace: workspaceFlag,
      },
      aliases: { w: "workspace" },
    },
  ),
  events: command(
    async () => (await import("../commands/events.ts")).events,
    {
      brief: "Rows of the log, the newest last",
      examples: ["nerve events --type sense.signal --since 1h", "nerve events --source sense:disk-usage --json"],
    },
    {
      flags: {
        source: text("kernel, group:NAME, sense:NAME or workflow:NAME", "SOURCE"),
        type: text("Such as sense.signal or run.completed", "TYPE"),
        ref: text("A run id, or the name of a sense or group", "REF"),
        since: {
          kind: "parsed",
          optional: true,
          placeholder: "DURATION",
          brief: "Not older than this",
          parse: duration,
        },
        before: wholeNumber("Only rows before this id", "ID", 1),
        limit: wholeNumber("How many rows; default 50", "N", 1),
        json: { ...jsonFlag, brief: "Print one line of JSON a row" },
        workspace: workspaceFlag,
      },
      aliases: { w: "workspace" },
    },
  ),
  upgrade: command(
    async () => (await import("../commands/upgrade.ts")).upgrade,
    {
      brief: "Replace this executable by a newer one, and the daemon with it",
      details: "Checks the file, stops the workspace's daemon, swaps, starts; back to the old one when that fails.",
      examples: ["nerve upgrade --from ./nerve", "nerve upgrade --from ./nerve --sha256 SUM"],
    },
    {
      flags: {
        from: { kind: "parsed", parse: String, placeholder: "FILE", brief: "The new executable" },
        sha256: text("Its sum; default: what stands in FILE.sha256, if that is there", "SUM"),
        workspace: workspaceFlag,
      },
      aliases: { w: "workspace" },
    },
  ),
  version: command(
    async () => (await import("../commands/version.ts")).version,
    { brief: "Print the version" },
    { flags: { json: jsonFlag } },
  ),
};

function duration(value: string): number {
  const parsed = parseDuration(value);
  if (!parsed.ok) throw new SyntaxError(parsed.error);
  return parsed.value;
}
