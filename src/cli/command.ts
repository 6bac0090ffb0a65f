/**
 * Connects our commands to stricli. A command's module is loaded when the command is called; its errors become two
 * lines and an exit code. Used by routes/, which define each command's own flags; this file adds `--json` and
 * `--workspace`.
 */
import {
  buildCommand,
  type Command,
  type CommandContext,
  type StricliProcess,
  type TypedCommandFlagParameters,
  type TypedCommandParameters,
  type TypedCommandPositionalParameters,
} from "@stricli/core";
import { parseDuration } from "../base/duration.ts";
import { type CliIo, exit } from "./io.ts";

export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly io: CliIo;
}

/** A command prints only through `io` and returns its exit code. */
export type CommandBody<Flags, Args extends readonly unknown[]> = (
  io: CliIo,
  flags: Flags,
  ...args: Args
) => number | Promise<number>;

/**
 * A command's own flags and arguments, and which of the two shared flags it has. The types follow from the flags that
 * the command's body reads.
 */
type CommandParameters<Flags, Args extends readonly unknown[]> =
  & TypedCommandPositionalParameters<Args, CliContext>
  & JsonParameters<Flags>
  & ("workspace" extends keyof Flags ? { readonly workspace?: undefined } : { readonly workspace: false });

/** `json: true` adds `--json`, a string adds it with that description; a command may also define its own `json`. */
type JsonParameters<Flags> =
  | ("json" extends keyof Flags
    ? TypedCommandFlagParameters<Omit<Flags, "json" | "workspace">, CliContext> & { readonly json: true | string }
    : never)
  | TypedCommandFlagParameters<Omit<Flags, "workspace">, CliContext> & { readonly json?: undefined };

/**
 * @param load imports the command's module, so that `nerve --help` loads no command.
 * @param docs `usage` replaces the usage line that stricli derives, which shows a switch that is on as `--watch`.
 */
export function defineCommand<
  const Flags extends Readonly<Partial<Record<keyof Flags, unknown>>>,
  const Args extends readonly unknown[],
>(
  load: () => Promise<CommandBody<Flags, Args>>,
  docs: { brief: string; details?: string; examples?: readonly string[]; usage?: string },
  parameters: NoInfer<CommandParameters<Flags, Args>>,
): Command<CliContext> {
  const text = [docs.details ?? docs.brief, ...formatExamples(docs.examples ?? [])].join("\n");
  const built = buildCommand<Flags, Args, CliContext>({
    loader: async () => {
      const body = await load();
      return async function (flags, ...args) {
        const json = printsJson(flags);
        this.process.exitCode = await runGuarded(this.io, json, () => body(this.io, flags, ...args));
      };
    },
    docs: {
      brief: docs.brief,
      fullDescription: text,
      ...docs.usage !== undefined && { customUsage: [docs.usage] },
    },
    parameters: addSharedFlags(parameters) as TypedCommandParameters<Flags, Args, CliContext>,
  });
  const { usage } = docs;
  if (usage === undefined) return built;
  // Despite `customUsage`, the help of the command's parent would show the line that stricli derives.
  return { ...built, formatUsageLine: ({ prefix }) => [...prefix, usage].join(" ") };
}

/** The shared flags come after the command's own, in the help and in completions. */
function addSharedFlags({ flags, aliases, json, workspace, ...rest }: AnyParameters): Record<string, unknown> {
  return {
    ...rest,
    flags: {
      ...flags,
      ...json !== undefined && { json: json === true ? jsonFlag : { ...jsonFlag, brief: json } },
      ...workspace !== false && { workspace: workspaceFlag },
    },
    aliases: { ...aliases, ...workspace !== false && { w: "workspace" } },
  };
}

interface AnyParameters {
  readonly flags?: object;
  readonly aliases?: object;
  readonly json?: true | string | undefined;
  readonly workspace?: false | undefined;
}

async function runGuarded(io: CliIo, json: boolean, run: () => number | Promise<number>): Promise<number> {
  try {
    const code = await run();
    // A reader that closes stdout early is not a failure, however much was left to print; ripgrep does the same.
    return io.stdout.gone.aborted ? exit.ok : code;
  } catch (thrown) {
    return (await import("./render/terminal.ts")).printError(io, thrown, json);
  }
}

/** Whether a program reads the output; it then gets errors as JSON too. */
function printsJson({ json, format }: { readonly json?: unknown; readonly format?: unknown }): boolean {
  return json === true || format === "json";
}

function formatExamples(examples: readonly string[]): string[] {
  return examples.length === 0 ? [] : ["", "EXAMPLES", ...examples.map((example) => `  ${example}`)];
}

const workspaceFlag = {
  kind: "parsed",
  parse: String,
  optional: true,
  placeholder: "DIR",
  brief: "The workspace; default: $NERVE_WORKSPACE, the nearest folder upward with a nerve.yaml, ~/.nerve",
} as const;

export const jsonFlag = { kind: "boolean", brief: "Print JSON", default: false, withNegated: false } as const;

/** A flag that takes a duration and parses it to milliseconds. */
export function durationFlag(brief: string, placeholder: string): NumberFlag {
  return {
    kind: "parsed",
    optional: true,
    brief,
    placeholder,
    parse(text) {
      const parsed = parseDuration(text);
      if (!parsed.ok) throw new SyntaxError(parsed.error);
      return parsed.value;
    },
  };
}

/** A flag that takes a whole number of at least `least`. */
export function wholeNumberFlag(brief: string, placeholder: string, least: number): NumberFlag {
  return {
    kind: "parsed",
    optional: true,
    brief,
    placeholder,
    parse(text) {
      const value = Number(text);
      if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
      throw new SyntaxError(`use a whole number of at least ${least}`);
    },
  };
}

interface NumberFlag {
  readonly kind: "parsed";
  readonly optional: true;
  readonly brief: string;
  readonly placeholder: string;
  readonly parse: (text: string) => number;
}

/** A flag that takes any text. */
export function textFlag(brief: string, placeholder: string): {
  readonly kind: "parsed";
  readonly optional: true;
  readonly brief: string;
  readonly placeholder: string;
  readonly parse: (text: string) => string;
} {
  return { kind: "parsed", optional: true, brief, placeholder, parse: String };
}

/** A switch that is neither shown nor completed: it only reports what replaced it. */
export function formerSwitchFlag(brief: string): ReturnType<typeof switchFlag> & { readonly hidden: true } {
  return { ...switchFlag(brief), hidden: true };
}

/** A switch that is off unless it is given. */
export function switchFlag(brief: string): {
  readonly kind: "boolean";
  readonly brief: string;
  readonly default: false;
  readonly withNegated: false;
} {
  return { kind: "boolean", brief, default: false, withNegated: false };
}
