/**
 * The seam between stricli and our commands: a command's module is loaded when it is called, its errors become two
 * lines and an exit code. Used by routes/.
 */
import {
  buildCommand,
  type Command,
  type CommandContext,
  type StricliProcess,
  type TypedCommandParameters,
} from "@stricli/core";
import { parseDuration } from "../base/duration.ts";
import { type CliIo, exit } from "./io.ts";

export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly io: CliIo;
}

/** A command: everything it prints goes through `io`, what it resolves to is its exit code. */
export type CommandBody<Flags, Args extends readonly unknown[]> = (
  io: CliIo,
  flags: Flags,
  ...args: Args
) => number | Promise<number>;

/**
 * @param load imports the command's module: `nerve --help` must not load what the commands need.
 * @param docs `usage` takes the place of what stricli makes of the flags, which shows a switch that is on as `--watch`.
 */
export function command<
  const Flags extends Readonly<Partial<Record<keyof Flags, unknown>>>,
  const Args extends readonly unknown[],
>(
  load: () => Promise<CommandBody<Flags, Args>>,
  docs: { brief: string; details?: string; examples?: readonly string[]; usage?: string },
  parameters: NoInfer<TypedCommandParameters<Flags, Args, CliContext>>,
): Command<CliContext> {
  const text = [docs.details ?? docs.brief, ...examplesText(docs.examples ?? [])].join("\n");
  return buildCommand<Flags, Args, CliContext>({
    loader: async () => {
      const body = await load();
      return async function (flags, ...args) {
        const json = asJson(flags);
        this.process.exitCode = await guarded(this.io, json, () => body(this.io, flags, ...args));
      };
    },
    docs: {
      brief: docs.brief,
      fullDescription: text,
      ...docs.usage !== undefined && { customUsage: [docs.usage] },
    },
    parameters,
  });
}

async function guarded(io: CliIo, json: boolean, run: () => number | Promise<number>): Promise<number> {
  try {
    const code = await run();
    // A reader that has seen enough is no failure, whatever was left to say (as ripgrep has it).
    return io.stdout.gone.aborted ? exit.ok : code;
  } catch (thrown) {
    return (await import("./render/terminal.ts")).printError(io, thrown, json);
  }
}

/** Whether a program reads the output: its errors are for a program then too. */
function asJson({ json, format }: { readonly json?: unknown; readonly format?: unknown }): boolean {
  return json === true || format === "json";
}

function examplesText(examples: readonly string[]): string[] {
  return examples.length === 0 ? [] : ["", "EXAMPLES", ...examples.map((example) => `  ${example}`)];
}

export const workspaceFlag = {
  kind: "parsed",
  parse: String,
  optional: true,
  placeholder: "DIR",
  brief: "The workspace; default: $NERVE_WORKSPACE, the nearest nerve.yaml upward, ~/.nerve",
} as const;

export const jsonFlag = { kind: "boolean", brief: "Print JSON", default: false, withNegated: false } as const;

/** A flag that takes a duration, in milliseconds. */
export function span(brief: string, placeholder: string): NumberFlag {
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
export function wholeNumber(brief: string, placeholder: string, least: number): NumberFlag {
  return {
    kind: "parsed",
    optional: true,
    brief,
    placeholder,
    parse(text) {
      const value = Number(text);
      if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
      throw new SyntaxError(`write a whole number from ${least}`);
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
export function text(brief: string, placeholder: string): {
  readonly kind: "parsed";
  readonly optional: true;
  readonly brief: string;
  readonly placeholder: string;
  readonly parse: (text: string) => string;
} {
  return { kind: "parsed", optional: true, brief, placeholder, parse: String };
}

/** A switch that is off unless it is given. */
export function toggle(brief: string): {
  readonly kind: "boolean";
  readonly brief: string;
  readonly default: false;
  readonly withNegated: false;
} {
  return { kind: "boolean", brief, default: false, withNegated: false };
}
