/** `nerve permissions`, `nerve permissions diff` and `nerve permissions approve`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, jsonFlag, switchFlag } from "../command.ts";

const list = defineCommand(
  async () => (await import("../commands/permissions.ts")).permissions,
  {
    brief: "What each group and workflow may do, and why",
    details:
      "What each group and workflow may do, and why. With NAME: only that sense or workflow, and also what is implied.",
    examples: ["nerve permissions", "nerve permissions disk-usage", "nerve permissions --json"],
  },
  {
    flags: { json: jsonFlag, all: switchFlag("Also show what is implied") },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "A sense or workflow", placeholder: "NAME", parse: String, optional: true }],
    },
  },
);

export const permissionCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list,
    diff: defineCommand(
      async () => (await import("../commands/permissions_lock.ts")).permissionsDiff,
      {
        brief: "What nerve.yaml asks for beyond the approved permissions",
        details:
          "Compares the permissions in nerve.yaml with those in nerve.permissions.lock: + is asked for and not approved,\n" +
          "- is approved and not asked for any more. Exits 1 when there is a difference, or no lock.",
        examples: ["nerve permissions diff", "nerve permissions diff --json"],
      },
      { json: true },
    ),
    approve: defineCommand(
      async () => (await import("../commands/permissions_lock.ts")).permissionsApprove,
      {
        brief: "Agree to the permissions that nerve.yaml asks for",
        details:
          "Prints the difference, writes nerve.permissions.lock, and has a running daemon take it up at once. From the first\n" +
          "approval on, nothing runs with more than the lock says: a sense or workflow that asks for more keeps its\n" +
          "previous version, or does not run, until it is approved. It asks nothing.",
        examples: ["nerve permissions approve", "nerve permissions approve --json"],
      },
      { json: true },
    ),
  },
  defaultCommand: "list",
  docs: { brief: "What each group and workflow may do, and what was approved" },
});
