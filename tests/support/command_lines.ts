/**
 * Shell lines of documents, taken apart, and `nerve` lines parsed by the real command tree: what a reader types must be
 * a command, with existing flags and valid values.
 */
import { type Command, type RouteMap, run } from "@stricli/core";
import { application } from "../../src/cli/app.ts";
import type { CliContext } from "../../src/cli/command.ts";
import { CapturedIo } from "./captured_io.ts";

/** The programs that a line starts, each with its arguments; redirections and comments are left out. */
export function programsOf(line: string): string[][] {
  const programs: string[][] = [[]];
  let word: string | null = null, redirected = false;
  const endWord = () => {
    if (word !== null && !redirected) programs.at(-1)?.push(word);
    if (word !== null) redirected = false;
    word = null;
  };
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? "", quote = /['"]/.test(character) ? line.indexOf(character, at + 1) : -1;
    if (quote > at) {
      word = (word ?? "") + line.slice(at + 1, quote);
      at = quote;
    } else if (character === "#" && word === null) break;
    else if (/[|;&]/.test(character)) {
      endWord();
      if (programs.at(-1)?.length !== 0) programs.push([]);
    } else if (/[<>]/.test(character) && line[at + 1] === "(") {
      // `source <(nerve completions bash)`: the command inside is a program of its own.
      const end = line.indexOf(")", at);
      programs.splice(-1, 0, ...programsOf(line.slice(at + 2, end)));
      word = "/dev/fd/63";
      at = end;
    } else if (character === ">") {
      endWord();
      redirected = true;
    } else if (/\s/.test(character)) endWord();
    else word = (word ?? "") + character;
  }
  endWord();
  return programs.filter((words) => words.length > 0);
}

/** Null when `nerve ARGS` is a valid command line; else the error. No command runs. */
export async function faultOf(args: readonly string[]): Promise<string | null> {
  const io = new CapturedIo({ cwd: "/" });
  let message = "";
  const write = (text: string) => void (message += text);
  const stream = { write, getColorDepth: () => 1 };
  const process = { stdout: stream, stderr: stream, env: {}, exitCode: null as number | string | null };
  await run({ ...application, root: parsedOnly(application.root as Target) }, args, { process, io });
  // A line that names a folder of commands, such as `nerve store`, prints its help.
  return process.exitCode === 0 ? null : message.trim();
}

type Target = Command<CliContext> | RouteMap<CliContext>;

/** The same tree, with commands that accept their arguments and do nothing. */
function parsedOnly<Kind extends Target>(target: Kind): Kind {
  if ("loader" in target) return { ...target, loader: () => Promise.resolve(() => {}) };
  const { getRoutingTargetForInput, getDefaultCommand } = target;
  return {
    ...target,
    getRoutingTargetForInput: (input: string) => {
      const found = getRoutingTargetForInput(input);
      return found === undefined ? found : parsedOnly(found);
    },
    getDefaultCommand: () => {
      const found = getDefaultCommand();
      return found === undefined ? found : parsedOnly(found);
    },
  };
}
