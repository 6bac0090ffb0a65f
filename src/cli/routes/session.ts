/** The commands below `nerve session`. */
import { buildRouteMap, type RouteMap } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeRuns, proposeSessions } from "../completion_names.ts";

const session = {
  kind: "tuple",
  parameters: [{ brief: "The session", placeholder: "ID", parse: String, proposeCompletions: proposeSessions }],
} as const;

export const sessionCommands: RouteMap<CliContext> = buildRouteMap({
  routes: {
    list: defineCommand(
      async () => (await import("../commands/session_list.ts")).sessionList,
      {
        brief: "List conversations with agents, newest first",
        examples: ["nerve session list", "nerve session list --all --run RUN"],
      },
      {
        flags: {
          all: switchFlag("Include sessions that have ended"),
          run: { ...textFlag("Only sessions of this run", "RUN"), proposeCompletions: proposeRuns },
          limit: wholeNumberFlag("How many sessions; default 20", "N", 1),
          offset: wholeNumberFlag("How many to skip", "N", 0),
        },
        json: true,
      },
    ),
    show: defineCommand(
      async () => (await import("../commands/session_list.ts")).sessionShow,
      { brief: "Show one session", examples: ["nerve session show ID"] },
      { json: true, positional: session },
    ),
    log: defineCommand(
      async () => (await import("../commands/session_log.ts")).sessionLog,
      {
        brief: "Print the transcript of a session",
        details: "With -f: goes on until the session has ended. With --json: one entry on each line.",
        examples: ["nerve session log ID", "nerve session log ID -f --tail 64"],
      },
      {
        flags: {
          follow: switchFlag("Print what comes, until the session has ended"),
          tail: wholeNumberFlag("Only about the last so many KiB", "KIB", 1),
        },
        aliases: { f: "follow" },
        json: true,
        positional: session,
      },
    ),
    end: defineCommand(
      async () => (await import("../commands/session_end.ts")).sessionEnd,
      {
        brief: "End a session and all that runs for it",
        details: "Its run goes on: a role that waits for its answer fails.",
        examples: [`nerve session end ID --reason "it goes in circles"`],
      },
      { flags: { reason: textFlag("Why, for the log", "TEXT") }, json: true, positional: session },
    ),
    attach: defineCommand(
      async () => (await import("../commands/session_attach.ts")).sessionAttach,
      {
        brief: "Attach this terminal to the terminal of a session",
        details: "Only for agents with protocol: terminal, while their program runs. Ctrl-b d leaves it.",
        examples: ["nerve session attach ID"],
      },
      { positional: session },
    ),
  },
  docs: { brief: "Show conversations with agents, and end them" },
});
