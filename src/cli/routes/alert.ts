/** The commands below `nerve alert`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, durationFlag, switchFlag, textFlag } from "../command.ts";
import { proposeAlerts } from "../completion_names.ts";

const name = { brief: "The alert", placeholder: "NAME", parse: String, proposeCompletions: proposeAlerts } as const;
const target = { ...name, brief: "The alert, or one of its keys", placeholder: "NAME[=KEY]" } as const;
const comment = textFlag("Why; goes into the log", "TEXT");

export const alertCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/alert_list.ts")).alertList,
      {
        brief: "List all alerts, and what is pending or fires",
        examples: ["nerve alert list", "nerve alert list --firing --json"],
      },
      { flags: { firing: switchFlag("Only alerts that fire") }, json: true },
    ),
    show: defineCommand(
      async () => (await import("../commands/alert_list.ts")).alertShow,
      { brief: "Show one alert with all its keys", examples: ["nerve alert show disk-full"] },
      { json: true, positional: { kind: "tuple", parameters: [name] } },
    ),
    silence: defineCommand(
      async () => (await import("../commands/alert_change.ts")).alertSilence,
      {
        brief: "Start no workflow for an alert for some time",
        details: "Its states change as before. If it still fires when the silence ends, its workflow starts then.",
        examples: [
          "nerve alert silence disk-full --for 8h --comment 'moving disks'",
          "nerve alert silence disk-full=/home --for 1h",
        ],
      },
      {
        flags: { for: durationFlag("How long", "DURATION"), comment },
        json: true,
        positional: { kind: "tuple", parameters: [target] },
      },
    ),
    unsilence: defineCommand(
      async () => (await import("../commands/alert_change.ts")).alertUnsilence,
      {
        brief: "End a silence",
        details: "Without a key, ends every silence of the alert.",
        examples: ["nerve alert unsilence disk-full"],
      },
      { flags: { comment }, json: true, positional: { kind: "tuple", parameters: [target] } },
    ),
    ack: defineCommand(
      async () => (await import("../commands/alert_change.ts")).alertAck,
      {
        brief: "Acknowledge a firing alert: no further notice until it resolves",
        examples: ["nerve alert ack disk-full", "nerve alert ack disk-full=/home --comment 'ordered a disk'"],
      },
      { flags: { comment }, json: true, positional: { kind: "tuple", parameters: [target] } },
    ),
    test: defineCommand(
      async () => (await import("../commands/alert_test.ts")).alertTest,
      {
        brief: "Try alerts with given signals in virtual time",
        details:
          "Runs alerts_test.yaml, or another file. Needs no daemon. Exits 1 when a state is not what was expected.",
        examples: ["nerve alert test", "nerve alert test disk_test.yaml"],
      },
      {
        json: true,
        positional: {
          kind: "tuple",
          parameters: [{ brief: "Default: alerts_test.yaml", placeholder: "FILE", parse: String, optional: true }],
        },
      },
    ),
  },
  docs: { brief: "Show alerts, silence and acknowledge them, try them out" },
});
