/**
 * The command line as a function from arguments to an exit code, built on stricli. main.ts calls it with the real
 * terminal, tests with a captured one. Importing this file loads stricli but no command.
 */
import {
  type Application,
  type ApplicationText,
  ArgumentParseError,
  ArgumentScannerError,
  buildApplication,
  buildRouteMap,
  ExitCode,
  formatMessageForArgumentScannerError,
  proposeCompletions,
  run,
  type StricliProcess,
  text_en,
} from "@stricli/core";
import { NerveError } from "../base/errors.ts";
import { toPrintable } from "../base/printable.ts";
import { findNearest } from "../base/did_you_mean.ts";
import type { CliContext } from "./command.ts";
import { type CliIo, exit } from "./io.ts";
import { createPrinter } from "./printer.ts";
import { dashboardCommands, tokenCommands } from "./routes/access.ts";
import { approvalCommands } from "./routes/approvals.ts";
import { alertCommands } from "./routes/alert.ts";
import { crashtestCommands } from "./routes/crashtest.ts";
import { developCommands, worktreeCommands } from "./routes/develop.ts";
import { daemonCommands } from "./routes/daemon.ts";
import { engineCommands } from "./routes/engine.ts";
import { hookCommands } from "./routes/hook.ts";
import { initCommands } from "./routes/init.ts";
import { daemonRoutes, lifecycleCommands, serviceRoutes } from "./routes/lifecycle.ts";
import { logCommands } from "./routes/log.ts";
import { permissionCommands } from "./routes/permissions.ts";
import { senseCommands } from "./routes/sense.ts";
import { sessionCommands } from "./routes/session.ts";
import { storeCommands } from "./routes/store.ts";
import { workflowCommands } from "./routes/workflow.ts";

/** Runs one command. It never throws, never exits and writes only to `given`, through the printer. */
export async function runCli(argv: readonly string[], given: CliIo): Promise<number> {
  const io = createPrinter(given);
  const getColorDepth = () => io.colour ? 4 : 1;
  // Stricli prints usage errors itself. With --json, they are collected and printed as JSON, like any other error.
  const json = argv.includes("--json");
  let writeError: unknown = null, usageText = "";
  const process: StricliProcess = {
    stdout: {
      write(text) {
        try {
          io.stdout.write(text);
        } catch (thrown) {
          // Help could not be written. Stricli would report this as an unexpected error.
          writeError = thrown;
        }
      },
      getColorDepth,
    },
    stderr: { write: (text) => json ? void (usageText += text) : io.stderr.write(text), getColorDepth },
    env: io.env,
    exitCode: null,
  };
  try {
    if (argv[0] === "__complete") return await complete(argv.slice(1), { process, io });
    await run(application, translateAliases(argv), { process, io });
    if (writeError !== null) throw writeError;
    if (usageText !== "") throw await createUsageError(usageText);
  } catch (thrown) {
    // command.ts catches what a command throws.
    return (await import("./render/terminal.ts")).printError(io, thrown, json);
  }
  return toExitCode(Number(process.exitCode));
}

/** Parses a text that `addNextStep` produced: the first line is the error, the rest the hint. */
async function createUsageError(text: string): Promise<NerveError> {
  const { stripVTControlCharacters } = await import("node:util");
  const [what = "", ...more] = stripVTControlCharacters(text).trim().split(/\s*\n\s*/);
  return new NerveError("USAGE", what.replace("❌ ", ""), { hint: more.join(" ") || "nerve --help" });
}

/** Accepts what people type from habit: `--version`, `-V`, `help COMMAND`. */
function translateAliases(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === "--version" || first === "-V") return ["version", ...rest];
  return first === "help" ? [...rest, "--help"] : argv;
}

/** Prints completions for the last word, one a line: the proposal, a tab, and its description. */
async function complete(words: readonly string[], { process, io }: CliContext): Promise<number> {
  const flag = words.findLastIndex((word, at) => /^(-w|--workspace)$/.test(word) && at < words.length - 2);
  const env = flag < 0 ? io.env : { ...io.env, NERVE_WORKSPACE: words[flag + 1] };
  // Completes names from the workspace that the command line selects. Object.create, since `io` may be a class
  // instance.
  const context: CliContext = { process, io: Object.create(io, { env: { value: env } }) };
  const all = await proposeCompletions(application, words, context);
  // Proposes flags only after a "-", or when there is nothing else.
  const names = words.at(-1)?.startsWith("-") ? [] : all.filter(({ completion }) => !completion.startsWith("-"));
  for (const { completion, brief } of names.length > 0 ? names : all) {
    io.stdout.write(`${completion}\t${brief}\n`);
  }
  return exit.ok;
}

/** Stricli's own codes are negative. */
function toExitCode(code: number): number {
  if (code >= 0) return code;
  return code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand ? exit.usage : exit.failed;
}

const routes = {
  init: initCommands,
  permissions: permissionCommands,
  ...daemonCommands,
  ...logCommands,
  ...approvalCommands,
  ...crashtestCommands,
  ...developCommands,
  ...lifecycleCommands,
  daemon: daemonRoutes,
  service: serviceRoutes,
  sense: senseCommands,
  workflow: workflowCommands,
  alert: alertCommands,
  hook: hookCommands,
  session: sessionCommands,
  token: tokenCommands,
  ...dashboardCommands,
  worktree: worktreeCommands,
  engine: engineCommands,
  store: storeCommands,
};

/** All commands; tests walk this tree. */
export const application: Application<CliContext> = buildApplication(
  buildRouteMap<string, CliContext>({
    routes,
    aliases: { dev: "run" },
    docs: {
      brief: "Senses observe, workflows act",
      fullDescription: [
        "Senses observe, workflows act.",
        "",
        "EXAMPLES",
        "  nerve init watch && cd watch",
        "  nerve start",
        "  nerve sense list",
        "",
        "Exit codes: 0 ok, 1 failed, 2 usage, 3 no daemon.",
      ].join("\n"),
    },
  }),
  {
    name: "nerve",
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    localization: { text: addNextStep(text_en) },
  },
);

function addNextStep(text: ApplicationText): ApplicationText {
  const message = (thrown: unknown) => thrown instanceof Error ? thrown.message : String(thrown);
  return {
    ...text,
    // Stricli would print the stack of an error that one of our parsers throws.
    formatException: message,
    exceptionWhileParsingArguments(thrown) {
      const what = thrown instanceof ArgumentScannerError ? formatScannerError(thrown) : message(thrown);
      return `❌ ${toPrintable(what)}\n   --help shows how to use the command`;
    },
    noCommandRegisteredForInput(args) {
      if (args.input.startsWith("-")) {
        const what = toPrintable(text.noCommandRegisteredForInput({ ...args, corrections: [] }));
        const value = /^(-w|--workspace)$/.test(args.input) ? " DIR" : "";
        return `❌ ${what}\n   flags go after the command: nerve COMMAND ${toPrintable(args.input)}${value}`;
      }
      // Stricli suggests "reload" for "blah", and only the nearest names: "alert", but not "permissions", for "perm".
      const near = args.corrections.filter((each) => isNear(args.input, each.replaceAll("`", "")));
      // If the word is a whole name of these, it was typed below another command: `nerve workflow start`.
      const begun = Object.keys(routes).filter((each) =>
        args.input.length > 1 && each !== args.input && each.startsWith(args.input)
      );
      const corrections = near.length > 0 ? near : begun.map((each) => `\`${each}\``);
      const what = toPrintable(text.noCommandRegisteredForInput({ ...args, corrections }));
      return `❌ ${what}\n   nerve --help shows the commands`;
    },
  };
}

/** Whether a command could be meant: the word is its beginning, or a misspelling. */
function isNear(word: string, command: string): boolean {
  return word.length > 1 && command.startsWith(word) || findNearest(word, [command]) !== null;
}

/** Decides by class: stricli chooses formatters by class name, but a minified bundle renames the classes. */
function formatScannerError(error: ArgumentScannerError): string {
  return error instanceof ArgumentParseError
    ? formatParseError(error)
    : formatMessageForArgumentScannerError(error, {});
}

function formatParseError({ externalFlagNameOrPlaceholder: name, input, exception }: ArgumentParseError): string {
  const where = /^[a-z]/.test(name) ? `--${name}` : name;
  const why = exception instanceof Error ? exception.message : String(exception);
  return why.startsWith(`"${input}"`) ? `${where}: ${why}` : `${where} cannot be "${input}": ${why}`;
}
