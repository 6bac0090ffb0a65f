/**
 * `nerve start`, `stop`, `restart`, `status` and `logs`, also under `nerve daemon`; `nerve service` and `nerve doctor`.
 */
import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, durationFlag, switchFlag, wholeNumberFlag } from "../command.ts";

const timeout = durationFlag("How long to wait for the drain before killing; default 30s", "DURATION");

const start = defineCommand(
  async () => (await import("../commands/start.ts")).start,
  {
    brief: "Start the daemon in the background",
    details: "Starts the daemon in the background and returns when it answers. A daemon that dies is restarted.\n" +
      "Exits 1 when nerve.yaml has errors, which it prints, and when a daemon already runs.",
    examples: ["nerve start", "nerve start --workspace ~/watch"],
  },
  {},
);

const stop = defineCommand(
  async () => (await import("../commands/stop.ts")).stop,
  {
    brief: "Stop the daemon",
    details:
      "Stops the daemon cleanly: computes abort, roles get up to 10 s, unfinished runs continue at the next start.\n" +
      "After 30 s it names what still runs, kills it, and exits 1. Exits 3 when no daemon runs.",
    examples: ["nerve stop", "nerve stop --timeout 5s"],
  },
  { flags: { timeout } },
);

const restart = defineCommand(
  async () => (await import("../commands/restart.ts")).restart,
  {
    brief: "Stop the daemon, if one runs, and start it",
    details:
      "Stops the daemon, if one runs, and starts it. If nerve.yaml has errors, the running daemon is not touched.",
    examples: ["nerve restart"],
  },
  { flags: { timeout } },
);

const status = defineCommand(
  async () => (await import("../commands/status.ts")).status,
  {
    brief: "Show what runs, and in which state",
    details:
      "Shows what runs, and in which state. Exits 0 when the daemon answers, 1 when it runs but does not answer, " +
      "3 when none runs.",
    examples: ["nerve status", "nerve status --json"],
  },
  { json: true },
);

const logs = defineCommand(
  async () => (await import("../commands/logs.ts")).logs,
  {
    brief: "Show the daemon's text log",
    details: "Shows the end of the daemon's text log. For what happened in senses and workflows, see nerve events.",
    examples: ["nerve logs", "nerve logs -f --lines 200", "nerve logs --json"],
  },
  {
    flags: {
      follow: switchFlag("Follow new lines until Ctrl-C"),
      lines: wholeNumberFlag("How many lines to show first; default 50", "N", 0),
    },
    json: "Print each line as JSON",
    aliases: { f: "follow" },
  },
);

/** The commands as they are at the top level. */
export const lifecycleCommands: Readonly<Record<string, Command<CliContext>>> = {
  start,
  stop,
  restart,
  status,
  logs,
  doctor: defineCommand(
    async () => (await import("../commands/doctor.ts")).doctor,
    {
      brief: "Check the workspace, the daemon and this machine",
      details:
        "Checks the workspace, the daemon and this machine, and says what to do about problems. Exits 1 when a check " +
        "fails; warnings do not count.",
      examples: ["nerve doctor", "nerve doctor --json"],
    },
    { json: true },
  ),
};

export const daemonRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: { start, stop, restart, status, logs },
  docs: { brief: "The daemon: start, stop, restart, status, logs" },
});

export const serviceRoutes: RouteMap<CliContext> = buildRouteMap({
  routes: {
    install: defineCommand(
      async () => (await import("../commands/service.ts")).install,
      {
        brief: "Run this workspace as a systemd user service",
        details:
          "Writes a systemd user unit that runs this workspace, enables it and starts it. systemd then takes the place " +
          "of\nnerve's own supervisor. Without systemd it prints the unit, says what to do, and exits 1.",
        examples: ["nerve service install", "nerve service install > nerve.service    # without systemd"],
      },
      {},
    ),
    uninstall: defineCommand(
      async () => (await import("../commands/service.ts")).uninstall,
      { brief: "Stop the service and remove its unit", examples: ["nerve service uninstall"] },
      {},
    ),
    status: defineCommand(
      async () => (await import("../commands/service.ts")).serviceStatus,
      {
        brief: "Show whether the service is installed and running",
        details: "Exits 0 when the service runs, 3 when it does not, 1 without systemd.",
        examples: ["nerve service status", "nerve service status --json"],
      },
      { json: true },
    ),
  },
  docs: { brief: "Run the workspace as a systemd user service" },
});
