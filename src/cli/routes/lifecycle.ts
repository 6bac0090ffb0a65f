/** The daemon's life: `nerve start stop restart status logs`, the same under `nerve daemon`, `service` and `doctor`. */
import { buildRouteMap, type Command, type RouteMap } from "@stricli/core";
import { type CliContext, command, durationFlag, switchFlag, wholeNumberFlag } from "../command.ts";

const timeout = durationFlag("How long to wait for the drain before killing; default 30s", "DURATION");

const start = command(
  async () => (await import("../commands/start.ts")).start,
  {
    brief: "Start the daemon in the background",
    details: "Starts the daemon in the background and returns when it answers. It is started again should it die.\n" +
      "Exits 1, with every problem of nerve.yaml, when there is one, and when a daemon runs already.",
    examples: ["nerve start", "nerve start --workspace ~/watch"],
  },
  {},
);

const stop = command(
  async () => (await import("../commands/stop.ts")).stop,
  {
    brief: "Stop the daemon",
    details:
      "Stops the daemon in order: computes abort, roles get up to 10 s, runs that are not done go on at the next " +
      "start.\nWhat still holds it after 30 s is named and killed; then it exits 1. Exits 3 when no daemon runs.",
    examples: ["nerve stop", "nerve stop --timeout 5s"],
  },
  { flags: { timeout } },
);

const restart = command(
  async () => (await import("../commands/restart.ts")).restart,
  {
    brief: "Stop the daemon, if one runs, and start it",
    details: "Stops the daemon, if one runs, and starts it. A nerve.yaml with errors leaves the running one alone.",
    examples: ["nerve restart"],
  },
  { flags: { timeout } },
);

const status = command(
  async () => (await import("../commands/status.ts")).status,
  {
    brief: "What runs, and how it is",
    details:
      "Shows what runs, and how it is. Exits 0 when the daemon answers, 1 when it is there and does not, 3 when " +
      "none runs.",
    examples: ["nerve status", "nerve status --json"],
  },
  { json: true },
);

const logs = command(
  async () => (await import("../commands/logs.ts")).logs,
  {
    brief: "The daemon's text log",
    details: "Shows the end of the daemon's text log. For what happened in senses and workflows: nerve events.",
    examples: ["nerve logs", "nerve logs -f --lines 200", "nerve logs --json"],
  },
  {
    flags: {
      follow: switchFlag("Go on with new lines until Ctrl-C"),
      lines: wholeNumberFlag("How many lines to begin with; default 50", "N", 0),
    },
    json: "Print one line of JSON a line",
    aliases: { f: "follow" },
  },
);

/** As they stand at the top level. */
export const lifecycleCommands: Readonly<Record<string, Command<CliContext>>> = {
  start,
  stop,
  restart,
  status,
  logs,
  doctor: command(
    async () => (await import("../commands/doctor.ts")).doctor,
    {
      brief: "Check the workspace, the daemon and this machine",
      details:
        "Checks the workspace, the daemon and this machine, and says what to do. Exits 1 when something is wrong; " +
        "warnings do not count.",
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
    install: command(
      async () => (await import("../commands/service.ts")).install,
      {
        brief: "Run this workspace as a systemd user service",
        details:
          "Writes a systemd user unit that runs this workspace, enables it and starts it. systemd then does what " +
          "nerve's own\nsupervisor does after nerve start. Without systemd it prints the unit, says what to do, and exits 1.",
        examples: ["nerve service install", "nerve service install > nerve.service    # without systemd"],
      },
      {},
    ),
    uninstall: command(
      async () => (await import("../commands/service.ts")).uninstall,
      { brief: "Stop the service and remove its unit", examples: ["nerve service uninstall"] },
      {},
    ),
    status: command(
      async () => (await import("../commands/service.ts")).serviceStatus,
      {
        brief: "Whether the service is installed and runs",
        details: "Exits 0 when the service runs, 3 when it does not, 1 without systemd.",
        examples: ["nerve service status", "nerve service status --json"],
      },
      { json: true },
    ),
  },
  docs: { brief: "Run the workspace as a systemd user service" },
});
