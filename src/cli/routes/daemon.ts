/** The commands at the top level: checking, running, the version. */
import type { Command } from "@stricli/core";
import { type CliContext, command, durationFlag, jsonFlag, switchFlag, textFlag } from "../command.ts";

export const daemonCommands: Readonly<Record<string, Command<CliContext>>> = {
  validate: command(
    async () => (await import("../commands/validate.ts")).validate,
    {
      brief: "Check nerve.yaml and load every sense and workflow in its sandbox",
      details:
        "Checks nerve.yaml and loads every sense and workflow in its sandbox. With nerve.permissions.lock, also that " +
        "no permission has grown beyond it.",
      examples: ["nerve validate", "nerve validate --strict --format github", "nerve validate --lock"],
    },
    {
      flags: {
        strict: switchFlag("Warnings fail as well"),
        lock: switchFlag("Agree to the present permissions: write nerve.permissions.lock"),
        format: {
          kind: "enum",
          values: ["text", "json", "github"],
          default: "text",
          brief: "How problems are printed",
        },
      },
      json: "The same as --format json",
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
  permissions: command(
    async () => (await import("../commands/permissions.ts")).permissions,
    {
      brief: "What each group and workflow may do, and why",
      details:
        "What each group and workflow may do, and why. With a name: that sense's or workflow's, the implied included.",
      examples: ["nerve permissions", "nerve permissions disk-usage", "nerve permissions --json"],
    },
    {
      flags: { json: jsonFlag, all: switchFlag("Also what is implied") },
      positional: {
        kind: "tuple",
        parameters: [{ brief: "A sense or workflow", placeholder: "NAME", parse: String, optional: true }],
      },
    },
  ),
  run: command(
    async () => (await import("../commands/run.ts")).run,
    {
      brief: "Run the workspace in the foreground",
      details: "Runs the workspace in the foreground. Ctrl-C stops in order, a second one at once.\n" +
        "Changed files are followed as they are saved; with --no-watch when nerve reload says so.\n" +
        "It ends with the terminal that it was started in. Without one, SIGHUP is a reload.",
      examples: ["nerve run", "nerve run --for 15s", "nerve run --no-watch"],
      usage: "[--for DURATION] [--no-watch] [--workspace DIR]",
    },
    {
      flags: {
        for: durationFlag("End after this time", "DURATION"),
        watch: { kind: "boolean", default: true, brief: "Follow changes of nerve.yaml and code as they are saved" },
      },
    },
  ),
  reload: command(
    async () => (await import("../commands/reload.ts")).reload,
    {
      brief: "Make the daemon follow nerve.yaml and all code now",
      details:
        "The daemon follows changes by itself, unless it was started with --no-watch. Exits 1 when nerve.yaml is\n" +
        "wrong or code does not load: what was before then goes on.",
      examples: ["nerve reload", "nerve reload --json"],
    },
    { json: true },
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
        sha256: textFlag("Its sum; default: what stands in FILE.sha256, if that is there", "SUM"),
      },
    },
  ),
  version: command(
    async () => (await import("../commands/version.ts")).printVersion,
    { brief: "Print the version", examples: ["nerve version --json"] },
    { json: true, workspace: false },
  ),
};
