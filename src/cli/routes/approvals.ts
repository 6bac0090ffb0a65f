/** `nerve approvals`, `nerve approve` and `nerve reject`. */
import type { Command } from "@stricli/core";
import { type CliContext, defineCommand, switchFlag, textFlag, wholeNumberFlag } from "../command.ts";
import { proposeRequests, proposeRuns } from "../completion_names.ts";

const request = {
  brief: "The id of a request, or of the run that asks",
  placeholder: "ID",
  parse: String,
  proposeCompletions: proposeRequests,
} as const;
const decisionFlags = {
  comment: textFlag("A comment for the run, kept with the decision", "TEXT"),
  digest: textFlag("The digest of what was shown; default: that of the request as it is", "HEX"),
  key: textFlag("Sign with this SSH key, where nerve.yaml names approvers", "FILE"),
  signature: textFlag("A signature made elsewhere; see nerve approvals ID --to-sign", "FILE"),
  token: textFlag("The same at every retry of this decision; default: a new one", "TOKEN"),
};

export const approvalCommands: Readonly<Record<string, Command<CliContext>>> = {
  approvals: defineCommand(
    async () => (await import("../commands/approvals.ts")).approvals,
    {
      brief: "Show what waits for a decision",
      details: "Lists the requests that wait for a decision, oldest first; with --all every request, newest first.\n" +
        "With an ID: one request, and what is decided on; with --to-sign what an approver signs.",
      examples: [
        "nerve approvals",
        "nerve approvals ID",
        "nerve approvals --all --run RUN",
        "nerve approvals ID --to-sign approve",
      ],
    },
    {
      flags: {
        all: switchFlag("Include requests that were decided, and those of runs that have ended"),
        toSign: textFlag("Print the text that is signed to decide this; --comment becomes a part of it", "OPTION"),
        comment: textFlag("The comment of the decision that is signed", "TEXT"),
        content: textFlag("With `done`: the content of the role's message, as it is signed", "TEXT"),
        meta: textFlag("Its meta, a JSON object", "JSON"),
        run: { ...textFlag("Only requests of this run", "RUN"), proposeCompletions: proposeRuns },
        limit: wholeNumberFlag("How many requests; default 20", "N", 1),
        offset: wholeNumberFlag("How many to skip", "N", 0),
      },
      json: true,
      positional: { kind: "tuple", parameters: [{ ...request, optional: true }] },
    },
  ),
  approve: defineCommand(
    async () => (await import("../commands/approve.ts")).approve,
    {
      brief: "Decide a request",
      details:
        "Decides what a run has asked, in the running daemon; without --option it approves. The run goes on with the\n" +
        "decision. A role that runs once and has an unknown end is decided as retry, done or fail; with done, --content and\n" +
        "--meta are its message. Exits 1 when the request was decided in another way, or by someone else.",
      examples: [
        "nerve approve ID",
        "nerve approve ID --key ~/.ssh/id_ed25519",
        `nerve approve ID --option later --comment "after the release"`,
        `nerve approve ID --option done --content "charged 5 EUR" --meta '{"id":"ch_1"}'`,
      ],
    },
    {
      flags: {
        option: textFlag("What is decided; default: approve", "OPTION"),
        content: textFlag("With `done`: the content of the role's message", "TEXT"),
        meta: textFlag("Its meta, a JSON object; default: {}", "JSON"),
        ...decisionFlags,
      },
      json: true,
      positional: { kind: "tuple", parameters: [request] },
    },
  ),
  reject: defineCommand(
    async () => (await import("../commands/approve.ts")).reject,
    {
      brief: "Reject a request",
      details: "As nerve approve ID --option reject.",
      examples: [`nerve reject ID --comment "not on a Friday"`],
    },
    { flags: decisionFlags, json: true, positional: { kind: "tuple", parameters: [request] } },
  ),
};
