/** `nerve dashboard`, and the commands below `nerve token`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag } from "../command.ts";

export const dashboardCommands = {
  dashboard: defineCommand(
    async () => (await import("../commands/dashboard.ts")).dashboard,
    {
      brief: "Open the dashboard in a browser, or print a link to it",
      details: "The link opens one session and is good for five minutes. It is opened where there is a display; " +
        "--print only prints it, for another browser or at the end of an SSH tunnel.",
      examples: ["nerve dashboard", "nerve dashboard --print", "nerve dashboard --scope read"],
    },
    {
      flags: {
        print: switchFlag("Only print the link"),
        scope: {
          kind: "enum",
          values: ["read", "operate"],
          default: "operate",
          brief: "What the session may do",
        },
      },
      json: true,
    },
  ),
};

export const tokenCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    create: defineCommand(
      async () => (await import("../commands/token.ts")).tokenCreate,
      {
        brief: "Make a token for the listener, and print it once",
        details: "read: the API and /metrics, without changing anything. operate: all of the API but tokens. " +
          "hook: deliveries to any hook.",
        examples: [
          "nerve token create prometheus --scope read --expires 365d",
          "nerve token create deploy --scope hook --expires never",
        ],
      },
      {
        flags: {
          scope: { kind: "enum", values: ["read", "operate", "hook"], default: "read", brief: "What it may do" },
          expires: { ...textFlag("How long it is good for, or never", "DURATION"), optional: false, default: "90d" },
        },
        json: true,
        positional: { kind: "tuple", parameters: [{ brief: "Its name", placeholder: "NAME", parse: String }] },
      },
    ),
    list: defineCommand(
      async () => (await import("../commands/token.ts")).tokenList,
      {
        brief: "List tokens and sessions, and when they were last used",
        examples: ["nerve token list", "nerve token list --json"],
      },
      { json: true },
    ),
    revoke: defineCommand(
      async () => (await import("../commands/token.ts")).tokenRevoke,
      {
        brief: "End a token or a session at once",
        examples: ["nerve token revoke prometheus", "nerve token revoke --sessions"],
      },
      {
        flags: { sessions: switchFlag("Every session of the dashboard") },
        json: true,
        positional: {
          kind: "tuple",
          parameters: [{ brief: "The token or session", placeholder: "NAME", parse: String, optional: true }],
        },
      },
    ),
  },
  docs: { brief: "Make, list and revoke tokens for the listener" },
});
