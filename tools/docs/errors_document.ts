/** Generates docs/errors.md: every error code with its cause, its remedy and its messages, and every exit code. */
import { errorCodes } from "../../src/base/error_codes.ts";
import type { ErrorCode } from "../../src/base/errors.ts";
import { NerveError } from "../../src/base/errors.ts";
import { osErrorTexts } from "../../src/base/os_error.ts";
import { exit } from "../../src/cli/io.ts";
import { toExitCode } from "../../src/cli/render/terminal.ts";
import { problemStatus } from "../../src/protocol/problem.ts";
import { daemonMissing } from "../../src/protocol/common_errors.ts";
import { exitCode as runExitCode } from "../../src/protocol/run.ts";
import { errorMessages } from "./error_messages.ts";
import { block, code, generatedNote, joined, table } from "./markdown.ts";

const example = daemonMissing(null);
const introduction = `# Errors

${generatedNote("src/base/error_codes.ts, and from the messages in src/")}

A command that fails prints two lines on stderr, what failed and what to do, and exits with a code other than 0:

${block("text", `❌ ${example.message}\n   ${example.hint}`)}

With \`--json\` the same is one line, \`{"error":{"code","message","hint"}}\`. The control API answers with a problem document
(RFC 9457, \`application/problem+json\`) of the keys \`type\`, \`title\`, \`status\`, \`detail\`, \`code\` and \`hint\`. Programs decide by
the code; the text may change. The HTTP status is that of the table, except that a route that does not exist answers 404, a
body that is too large 413, and a body without the content type \`application/json\` 415. In the messages below, \`...\` stands
for what is filled in.

A nerve.yaml with errors, and code that does not load, is reported by \`nerve validate\` with file, line and column; those
problems have no codes.`;

const exitMeanings: Readonly<Record<keyof typeof exit, string>> = {
  ok: "Done.",
  failed: "The command failed, or a check found something wrong.",
  usage: "The command line is wrong: an unknown command or flag, a missing or malformed value.",
  noDaemon: "No daemon runs in this workspace, and the command needs one.",
  interrupted: "Interrupted by Ctrl-C.",
};

const runMeanings: Readonly<Record<keyof typeof runExitCode, string>> = {
  completed: "`completed`: the moderator returned END.",
  failed: "`failed`: a role or the moderator failed, or the moderator or a person said so.",
  maxRounds: "`failed`: the run reached its maxRounds.",
  killed: "`killed`: by `nerve workflow kill`, the API, the moderator, or a decision to abort.",
  crashed: "`crashed`: its process died three times at the same round.",
};

/** `sources`: the text of every module of src/. */
export function errorsDocument(sources: Iterable<string>): string {
  const messages = errorMessages(sources);
  const codes = (Object.keys(errorCodes) as ErrorCode[]).sort();
  return joined([
    introduction,
    "## Codes",
    table(
      ["code", "meaning", "HTTP status", "exit code"],
      codes.map((each) => [
        `[${code(each)}](#${each.toLowerCase()})`,
        errorCodes[each].meaning,
        String(problemStatus[each]),
        String(toExitCode(new NerveError(each, ""))),
      ]),
    ),
    ...codes.map((each) => sectionOf(each, messages.get(each) ?? [])),
    "## Exit codes",
    "Of every command:",
    table(["exit code", "meaning"], rowsOf(exit, exitMeanings)),
    "Of `nerve workflow follow`, and of `trigger`, `rerun` and `fork` with `--wait`, when the run has ended, it is the run's own; runs that were dropped or interrupted " +
    "have none, and the command exits with 1:",
    table(["exit code", "status of the run"], rowsOf(runExitCode, runMeanings)),
  ]);
}

function rowsOf<Key extends string>(codes: Record<Key, number>, meanings: Readonly<Record<Key, string>>): string[][] {
  return Object.entries<number>(codes).map(([key, value]) => [String(value), meanings[key as Key]]);
}

function sectionOf(each: ErrorCode, messages: readonly string[]): string {
  const { meaning, cause, remedy } = errorCodes[each];
  const system = each === "STORE_FAILED" ? Object.values(osErrorTexts).map(([says]) => `${says}: ...`).sort() : [];
  const all = [...messages, ...system];
  return joined([
    `### ${each}`,
    meaning,
    `- Cause: ${cause}\n- Remedy: ${remedy}`,
    all.length === 0 ? null : `Messages:\n\n${block("text", all.join("\n"))}`,
  ]).trimEnd();
}
