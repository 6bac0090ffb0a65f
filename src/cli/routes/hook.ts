/** The commands below `nerve hook`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, textFlag } from "../command.ts";
import { proposeHooks } from "../completion_names.ts";

export const hookCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/hook_list.ts")).hookList,
      {
        brief: "List all hooks, the address of the listener, and what became of deliveries",
        examples: ["nerve hook list", "nerve hook list --json"],
      },
      { json: true },
    ),
    send: defineCommand(
      async () => (await import("../commands/hook_send.ts")).hookSend,
      {
        brief: "Deliver to a hook, as its sender would",
        details: "Signs with the hook's own secret. Exits 1 when the delivery is refused.",
        examples: [
          `nerve hook send git --data '{"ref":"refs/heads/main"}'`,
          "nerve hook send git --data ping --type text/plain",
        ],
      },
      {
        flags: {
          data: { ...textFlag("The body", "TEXT"), optional: false, default: "{}" },
          type: { ...textFlag("Its content-type", "TYPE"), optional: false, default: "application/json" },
          id: textFlag("The id of the delivery; default: a new one", "ID"),
        },
        json: true,
        positional: {
          kind: "tuple",
          parameters: [{ brief: "The hook", placeholder: "NAME", parse: String, proposeCompletions: proposeHooks }],
        },
      },
    ),
  },
  docs: { brief: "Show hooks, and deliver to them by hand" },
});
