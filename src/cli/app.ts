/**
 * The command line as a function of its arguments to an exit code, on stricli. `main.ts` calls it with the real
 * terminal, tests with a captured one. Importing this file loads stricli and no command.
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
import type { CliContext } from "./command.ts";
import { type CliIo, exit } from "./io.ts";
import { daemonCommands } from "./routes/daemon.ts";
import { initCommands } from "./routes/init.ts";
import { daemonRoutes, lifecycleCommands, serviceRoutes } from "./routes/lifecycle.ts";
import { logCommands } from "./routes/log.ts";
import { senseCommands } from "./routes/sense.ts";
import { storeCommands } from "./routes/store.ts";
import { workflowCommands } from "./routes/workflow.ts";

/** Runs one command. Never throws, never exits, writes only to `io`. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const getColorDepth = () => io.colour ? 4 : 1;
  // What stricli finds wrong it writes itself: a program gets it as any other error.
  const json = argv.includes("--json");
  let refused: unknown = null, fault = "";
  const process: StricliProcess = {
    stdout: {
      write(text) {
        try {
          io.stdout.write(text);
        } catch (thrown) {
          // Help that cannot be written: stricli would call it unexpected.
          refused = thrown;
        }
      },
      getColorDepth,
    },
    stderr: { write: (text) => json ? void (fault += text) : io.stderr.write(text), getColorDepth },
    env: io.env,
    exitCode: null,
  };
  try {
    if (argv[0] === "__complete") return await complete(argv.slice(1), { process, io });
    await run(application, asCommand(argv), { process, io });
    if (refused !== null) throw refused;
    if (fault !== "") throw await usageError(fault);
  } catch (thrown) {
    // Commands guard themselves (command.ts).
    return (await import("./render/terminal.ts")).printError(io, thrown, json);
  }
  return exitCodeOf(Number(process.exitCode));
}

/** As `withNextStep` below writes it: what is wrong, then what to do. */
async function usageError(text: string): Promise<NerveError> {
  const { stripVTControlCharacters } = await import("node:util");
  const [what = "", ...more] = stripVTControlCharacters(text).trim().split(/\s*\n\s*/);
  return new NerveError("USAGE", what.replace("❌ ", ""), { hint: more.join(" ") || "nerve --help" });
}

/** What other programs have taught everybody to type. */
function asCommand(argv: readonly string[]): readonly string[] {
  const [first, ...rest] = argv;
  if (first === "--version" || first === "-V") return ["version", ...rest];
  return first === "help" ? [...rest, "--help"] : argv;
}

/** What a shell asks for: the last word is the one to be completed. A line is a proposal, a tab, and what it is. */
async function complete(words: readonly string[], { process, io }: CliContext): Promise<number> {
  const flag = words.findLastIndex((word, at) => /^(-w|--workspace)$/.test(word) && at < words.length - 2);
  const env = flag < 0 ? io.env : { ...io.env, NERVE_WORKSPACE: words[flag + 1] };
  // Names are those of the workspace that the line means. An object of its own: an io may be of a class.
  const context: CliContext = { process, io: Object.create(io, { env: { value: env } }) };
  const all = await proposeCompletions(application, words, context);
  // Flags when they are asked for, or when there is nothing else.
  const names = words.at(-1)?.startsWith("-") ? [] : all.filter(({ completion }) => !completion.startsWith("-"));
  for (const { completion, brief } of names.length > 0 ? names : all) {
    io.stdout.write(`${completion}\t${brief}\n`);
  }
  return exit.ok;
}

/** Stricli's own codes are negative. */
function exitCodeOf(code: number): number {
  if (code >= 0) return code;
  return code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand ? exit.usage : exit.failed;
}

/** Every command; the tests walk it. */
export const application: Application<CliContext> = buildApplication(
  buildRouteMap<string, CliContext>({
    routes: {
      init: initCommands,
      ...daemonCommands,
      ...logCommands,
      ...lifecycleCommands,
      daemon: daemonRoutes,
      service: serviceRoutes,
      sense: senseCommands,
      workflow: workflowCommands,
      store: storeCommands,
    },
    aliases: { dev: "run" },
    docs: {
      brief: "Senses observe this machine, workflows act",
      fullDescription: [
        "Senses observe this machine, workflows act.",
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
    localization: { text: withNextStep(text_en) },
  },
);

function withNextStep(text: ApplicationText): ApplicationText {
  const message = (thrown: unknown) => thrown instanceof Error ? thrown.message : String(thrown);
  return {
    ...text,
    // Stricli would print the stack of what a parser of ours throws.
    formatException: message,
    exceptionWhileParsingArguments(thrown) {
      const what = thrown instanceof ArgumentScannerError ? scannerFault(thrown) : message(thrown);
      return `❌ ${toPrintable(what)}\n   --help shows how the command is used`;
    },
    noCommandRegisteredForInput(args) {
      if (args.input.startsWith("-")) {
        const what = toPrintable(text.noCommandRegisteredForInput({ ...args, corrections: [] }));
        return `❌ ${what}\n   flags stand after the command: nerve COMMAND ${toPrintable(args.input)}`;
      }
      return `❌ ${toPrintable(text.noCommandRegisteredForInput(args))}\n   nerve --help shows the commands`;
    },
  };
}

/** By class: the formatters that stricli would choose by the names of its errors have others in a bundle. */
function scannerFault(error: ArgumentScannerError): string {
  return error instanceof ArgumentParseError ? parseFault(error) : formatMessageForArgumentScannerError(error, {});
}

function parseFault({ externalFlagNameOrPlaceholder: name, input, exception }: ArgumentParseError): string {
  const where = /^[a-z]/.test(name) ? `--${name}` : name;
  const why = exception instanceof Error ? exception.message : String(exception);
  return why.startsWith(`"${input}"`) ? `${where}: ${why}` : `${where} cannot be "${input}": ${why}`;
}
