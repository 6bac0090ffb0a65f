/** The top-level commands that check, run, reload and upgrade a workspace, and `nerve version`. */
import type { Command } from "@stricli/core";
import { type CliContext, defineCommand, durationFlag, formerSwitchFlag, switchFlag, textFlag } from "../command.ts";

export const daemonCommands: Readonly<Record<string, Command<CliContext>>> = {
  validate: defineCommand(
    async () => (await import("../commands/validate.ts")).validate,
    {
      brief: "Check nerve.yaml and the types, and load every sense and workflow in its sandbox",
      details:
        "Checks nerve.yaml and loads every sense and workflow in its sandbox. If there is a nerve.permissions.lock, " +
        "also checks that no permission exceeds it, and loads nothing that would.\n" +
        "Checks their types too, as deno check does with the workspace's deno.json. A compiled nerve asks the deno on\n" +
        "PATH for that; where there is none, it says that the types were not checked.",
      examples: ["nerve validate", "nerve validate --strict --format github"],
      usage: "[--strict] [--no-types] [--format text|json|github] [--json] [--workspace DIR] [DIR]",
    },
    {
      flags: {
        strict: switchFlag("Exit 1 on warnings too"),
        types: { kind: "boolean", brief: "Check types; --no-types leaves it out", default: true },
        lock: formerSwitchFlag("Replaced by nerve permissions approve"),
        format: {
          kind: "enum",
          values: ["text", "json", "github"],
          default: "text",
          brief: "How to print problems",
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
  run: defineCommand(
    async () => (await import("../commands/run.ts")).run,
    {
      brief: "Run the workspace in the foreground",
      details: "Runs the workspace in the foreground. Ctrl-C stops cleanly, a second Ctrl-C at once.\n" +
        "Reloads changed files as they are saved; with --no-watch only on nerve reload.\n" +
        "Ends when its terminal closes. Without a terminal, SIGHUP reloads.",
      examples: ["nerve run", "nerve run --for 15s", "nerve run --no-watch"],
      usage: "[--for DURATION] [--no-watch] [--workspace DIR]",
    },
    {
      flags: {
        for: durationFlag("Stop after this time", "DURATION"),
        watch: { kind: "boolean", default: true, brief: "Reload nerve.yaml and code as they are saved" },
      },
    },
  ),
  reload: defineCommand(
    async () => (await import("../commands/reload.ts")).reload,
    {
      brief: "Have the daemon load nerve.yaml and all code now",
      details:
        "The daemon reloads changes automatically, unless it was started with --no-watch. Exits 1 when nerve.yaml is\n" +
        "invalid or code does not load; the previous version then keeps running.",
      examples: ["nerve reload", "nerve reload --json"],
    },
    { json: true },
  ),
  metrics: defineCommand(
    async () => (await import("../commands/metrics.ts")).metrics,
    {
      brief: "Print the daemon's figures about itself for Prometheus",
      details:
        "Prints senses, runs, approvals, alerts, processes and losses in the text format of Prometheus; the control API has\n" +
        "the same at GET /v1/metrics. Counts begin with the daemon.",
      examples: ["nerve metrics", "nerve metrics > /var/lib/prometheus/node-exporter/nerve.prom"],
    },
    {},
  ),
  upgrade: defineCommand(
    async () => (await import("../commands/upgrade.ts")).upgrade,
    {
      brief: "Replace this executable with another one, and restart the daemon",
      details:
        "Checks the file, stops the workspace's daemon, replaces the executable and starts the daemon. If that fails, " +
        "goes back to the old one.",
      examples: ["nerve upgrade --from ./nerve", "nerve upgrade --from ./nerve --sha256 SUM"],
    },
    {
      flags: {
        from: { kind: "parsed", parse: String, placeholder: "FILE", brief: "The new executable" },
        sha256: textFlag("Its checksum; default: the content of FILE.sha256, if it exists", "SUM"),
      },
    },
  ),
  uninstall: defineCommand(
    async () => (await import("../commands/uninstall.ts")).uninstallNerve,
    {
      brief: "Remove nerve from this machine; never a workspace",
      details:
        "Removes what belongs to this nerve: its systemd user units, which it stops, shell completions, the executable with\n" +
        "what upgrades left beside it, and caches. Workspaces are not touched. Refuses while a daemon runs on it.",
      examples: ["nerve uninstall --dry-run", "nerve uninstall"],
    },
    {
      flags: { dryRun: switchFlag("Only show what would be removed") },
      json: true,
      workspace: false,
    },
  ),
  version: defineCommand(
    async () => (await import("../commands/version.ts")).printVersion,
    { brief: "Print the version", examples: ["nerve version --json"] },
    { json: true, workspace: false },
  ),
};
