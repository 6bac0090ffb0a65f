/** The commands below `nerve sense`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import {
  type CliContext,
  defineCommand,
  durationFlag,
  jsonFlag,
  switchFlag,
  textFlag,
  wholeNumberFlag,
} from "../command.ts";
import { proposeSenses } from "../completion_names.ts";
import { libraryRoutes } from "./library.ts";

const name = { brief: "The sense", placeholder: "NAME", parse: String, proposeCompletions: proposeSenses } as const;

export const senseCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/sense_list.ts")).senseList,
      {
        brief: "List all senses: next tick, last outcome, counters",
        examples: ["nerve sense list", "nerve sense list --json"],
      },
      {
        flags: {
          limit: wholeNumberFlag("How many senses; default 50", "N", 1),
          offset: wholeNumberFlag("How many to skip", "N", 0),
        },
        json: true,
      },
    ),
    query: defineCommand(
      async () => (await import("../commands/sense_query.ts")).senseQuery,
      {
        brief: "Read a sense's database",
        details:
          "Reads a sense's database, even while the daemon runs. Without SQL it shows the newest rows of its tables.",
        examples: [
          "nerve sense query disk-usage",
          `nerve sense query disk-usage "select max(used) from readings" --format json`,
        ],
      },
      {
        flags: {
          format: { kind: "enum", values: ["table", "json", "csv"], default: "table", brief: "How to print rows" },
          json: { ...jsonFlag, brief: "The same as --format json" },
          limit: wholeNumberFlag("Rows of each table, without SQL; default 20", "N", 1),
        },
        positional: {
          kind: "tuple",
          parameters: [name, { brief: "One read-only statement", placeholder: "SQL", parse: String, optional: true }],
        },
      },
    ),
    chart: defineCommand(
      async () => (await import("../commands/sense_chart.ts")).senseChart,
      {
        brief: "Draw a column of a sense's database over time",
        details:
          "Draws a column of numbers over time, from the first column of times in its table (ts, read_at). Each place of\n" +
          "the chart is the mean of its span of time.",
        examples: [
          "nerve sense chart cpu-usage used --since 6h",
          `nerve sense chart disk-usage used --since 30d --where "path = '/'"`,
        ],
      },
      {
        flags: {
          since: durationFlag("How far back; default 24h", "DURATION"),
          table: textFlag("The table, where several have the column", "TABLE"),
          where: textFlag("Only rows for which this SQL is true", "SQL"),
          width: wholeNumberFlag("Columns of the chart; default 72", "N", 10),
          height: wholeNumberFlag("Lines of the chart; default 12", "N", 3),
        },
        json: true,
        positional: {
          kind: "tuple",
          parameters: [name, { brief: "A column of numbers", placeholder: "COLUMN", parse: String }],
        },
      },
    ),
    schema: defineCommand(
      async () => (await import("../commands/sense_query.ts")).senseSchema,
      { brief: "Show the tables of a sense's database", examples: ["nerve sense schema disk-usage"] },
      {
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    trigger: defineCommand(
      async () => (await import("../commands/sense_trigger.ts")).senseTrigger,
      {
        brief: "Queue a compute of a sense in the running daemon, or try one without it",
        details:
          "Queues a compute in the running daemon. With --wait it exits 1 when the compute fails. With --trigger the sense\n" +
          'hears the signals in FILE: {"sense": "disk-usage", "payload": {"used": 0.95}}, or a list of them. With --dry it\n' +
          "computes once in its sandbox, without a daemon and on a copy of its database, and prints what would come of it.",
        examples: [
          "nerve sense trigger disk-usage --wait",
          "nerve sense trigger cleanup-check --trigger full.json --dry",
        ],
      },
      {
        flags: {
          wait: switchFlag("Wait for the outcome"),
          trigger: textFlag("A file of signals that the sense shall hear", "FILE"),
          dry: switchFlag("Without a daemon, on a copy of its database; no signal or run comes of it"),
        },
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    learn: defineCommand(
      async () => (await import("../commands/sense_learn.ts")).senseLearn,
      {
        brief: "Find the smallest permissions that a sense needs",
        details:
          "Runs the sense alone, with its current permissions, on an empty database, and records what it requests from " +
          "Deno. Needs no daemon. Programs (run) are recorded only when they are denied.",
        examples: ["nerve sense learn disk-usage", "nerve sense learn disk-usage --for 5m --json"],
      },
      {
        flags: {
          for: durationFlag("How long to watch; default 1m", "DURATION"),
        },
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    pause: defineCommand(
      async () => (await import("../commands/sense_pause.ts")).sensePause,
      {
        brief: "Keep a sense's reflexes from waking it",
        details:
          "Until it is resumed or the time is over, also across restarts. What it should hear waits for it: signals, and files\n" +
          "that changed. nerve sense trigger still computes.",
        examples: ["nerve sense pause disk-usage --for 8h", `nerve sense pause mail --reason "the server moves"`],
      },
      {
        flags: {
          for: durationFlag("For how long; default until it is resumed", "DURATION"),
          reason: textFlag("The reason, shown with the pause", "TEXT"),
        },
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    resume: defineCommand(
      async () => (await import("../commands/sense_pause.ts")).senseResume,
      {
        brief: "Let a paused sense go on",
        details:
          "It computes at once when its interval is over, a cron line catches up, or something waits that it should hear.",
        examples: ["nerve sense resume disk-usage"],
      },
      {
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    reset: defineCommand(
      async () => (await import("../commands/reset.ts")).senseReset,
      {
        brief: "Lift the quarantine of a sense's group",
        details:
          "A group whose process died 5 times in 60 s, or too often in 10 minutes, does not compute until it is\n" +
          "reset or its files change.",
        examples: ["nerve sense reset disk-usage"],
      },
      {
        json: true,
        positional: { kind: "tuple", parameters: [name] },
      },
    ),
    ...libraryRoutes("senses"),
  },
  docs: { brief: "Show senses, trigger them, add them from the library" },
});
