/**
 * Adds the lines of a new entry to the text of nerve.yaml, or explains why it cannot. Used by cli/commands/library.ts
 * and cli/commands/init_part.ts.
 */
import { NerveError } from "../../base/errors.ts";
import { type Diagnostic, formatProblems } from "../../config/diagnostic.ts";
import { type ParsedConfig, parseNerveConfig } from "../../config/parse.ts";
import { configFileName } from "../../config/workspace.ts";
import { extendConfig } from "../../config/yaml/extend.ts";
import type { CliIo } from "../io.ts";
import { plural } from "../render/terminal.ts";
import { printLinesToAdd } from "./names_and_hints.ts";

/** Adds the lines to the text. If the style of the text prevents that, prints the lines and throws CONFIG_INVALID. */
export function extendOrExplain(io: CliIo, text: string, lines: ReadonlyMap<string, readonly string[]>): string {
  const extended = extendConfig(text, lines);
  if (extended.ok) return extended.value;
  printProblems(io, extended.error);
  printLinesToAdd(io, [...lines].map(([key, below]) => `${key}:\n${below.join("\n")}`).join("\n"));
  throw new NerveError("CONFIG_INVALID", `${configFileName} was not changed, and nothing was added`, {
    hint: "add the lines by hand where they belong, or write the file in another style",
  });
}

/** Parses the text. Prints every error and throws CONFIG_INVALID when there is one. */
export function requireValid(io: CliIo, text: string): ParsedConfig {
  const parsed = parseNerveConfig(text, configFileName);
  if (parsed.ok) return parsed.value;
  const errors = parsed.error.filter(({ severity }) => severity === "error");
  printProblems(io, errors);
  throw new NerveError("CONFIG_INVALID", `${configFileName} has ${plural(errors.length, "error")}: nothing was added`, {
    hint: "fix it, and run the command again",
  });
}

function printProblems(io: CliIo, problems: readonly Diagnostic[]): void {
  io.stderr.write(`${formatProblems(problems, "text")}\n`);
}
