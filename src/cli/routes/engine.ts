/** The commands below `nerve engine`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand } from "../command.ts";
import { proposeEngines } from "../completion_names.ts";

const name = { brief: "The engine", placeholder: "NAME", parse: String, proposeCompletions: proposeEngines };

export const engineCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/engine_list.ts")).engineList,
      {
        brief: "List the engines that keep runs, with their workflows",
        examples: ["nerve engine list", "nerve engine list --json"],
      },
      { json: true },
    ),
    status: defineCommand(
      async () => (await import("../commands/engine_status.ts")).engineStatus,
      {
        brief: "Show whether engines answer, and where their runs are",
        details: "Asks each server. Exits 1 when something is wrong, and says what to do about it.",
        examples: ["nerve engine status", "nerve engine status cluster"],
      },
      { json: true, positional: { kind: "tuple", parameters: [{ ...name, optional: true }] } },
    ),
    register: defineCommand(
      async () => (await import("../commands/engine_register.ts")).engineRegister,
      {
        brief: "Register this daemon with an engine now",
        details: "The daemon does it automatically and tries again what has failed: this says at once what is wrong.",
        examples: ["nerve engine register cluster"],
      },
      { json: true, positional: { kind: "tuple", parameters: [name] } },
    ),
  },
  docs: { brief: "Show the engines that keep runs, and register with them" },
});
