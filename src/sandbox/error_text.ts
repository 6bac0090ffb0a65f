/** Turns what user code threw into a sentence and a place in the user's file. Used by both runtimes. */
import { messageOf } from "../base/errors.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { Place } from "../protocol/signal.ts";

const placePattern = /(file:\/\/[^\s()]+?):(\d+):(\d+)/;
const messageMaxChars = 4_000;
/** Deno's advice is for its own command line; what a sense may do stands in nerve.yaml. */
const denoAdvice = /, run again with the --allow-(\w+) flag/;
const declareIt = "; declare it under permissions.$1 in nerve.yaml";
/** Deno opens such a path to a program that may do everything, which nothing here ever may. */
const needsAll = /Requires all access to ("[^"]*"), run again with the --allow-all flag/;
const neverOpen = "$1 is closed in the sandbox, whatever is granted: ask node:os or Deno.systemMemoryInfo, or let a " +
  "program such as ps tell it (permissions.run)";
/** Of an import, and only of one, it is a TypeError: no grant opens it. */
const importedFile = /^(?:NotCapable: )?Requires read access to ("[^"]*"), run again with the --allow-read flag/;
const importRule =
  "a sense or workflow imports from its own folder, lib/, nerve, drizzle-orm, zod and Node built-ins; " +
  "packages (npm:NAME) and hosts only when permissions.import names them";

const foreignFile = (_: string, path: string): string =>
  `${path} cannot be imported: ${/\/(?:senses|workflows)\//.test(path) ? "move it to lib/; " : ""}${importRule}`;

/**
 * The message of anything thrown, bounded, with its class when that tells more ("NotCapable: ..."), and with its cause:
 * Drizzle says only there what SQLite had against a query.
 */
export function describeError(thrown: unknown): string {
  const own = describeAlone(thrown), cause = causeOf(thrown);
  const because = cause === null ? "" : describeAlone(cause);
  return (because === "" || own.includes(because) ? own : `${own}: ${because}`).slice(0, messageMaxChars);
}

function describeAlone(thrown: unknown): string {
  const { name } = partsOf(thrown), said = messageOf(thrown);
  const text = (name === "TypeError" ? said.replace(importedFile, foreignFile) : said)
    .replace(needsAll, neverOpen).replace(denoAdvice, declareIt);
  const prefix = ["", "Error", "TypeError"].includes(name) ? "" : `${name}: `;
  return text.startsWith(prefix) ? text : prefix + text;
}

/** One step only: a chain of causes may be a ring. */
function causeOf(thrown: unknown): Error | null {
  try {
    const cause = thrown instanceof Error ? thrown.cause : null;
    return cause instanceof Error ? cause : null;
  } catch {
    // As in partsOf(): a getter or a proxy that throws has nothing to tell.
    return null;
  }
}

/** The first place of the stack that lies in the folder of the user's module, else null. */
export function placeOf(thrown: unknown, folder: string): Place | null {
  const { message, stack } = partsOf(thrown);
  for (const text of [message, ...stack.split("\n")]) {
    const match = placePattern.exec(text.slice(0, messageMaxChars));
    if (match === null) continue;
    const file = pathOf(match[1] ?? "");
    if (file !== null && file.startsWith(folder)) return { file, line: Number(match[2]), column: Number(match[3]) };
  }
  return null;
}

/** What user code threw may have a name that is a symbol, a stack that is an object, or getters that throw. */
function partsOf(thrown: unknown): { name: string; message: string; stack: string } {
  const part = (key: "name" | "message" | "stack"): string => {
    try {
      const value = thrown instanceof Error ? thrown[key] : "";
      return typeof value === "string" ? value : "";
    } catch {
      // A getter or a proxy that throws has nothing to tell.
      return "";
    }
  };
  return { name: part("name"), message: part("message"), stack: part("stack") };
}

function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch {
    // A stack that user code wrote itself need not hold a real address.
    return null;
  }
}

/** Why a module could not be imported: syntax errors and missing files keep their place. */
export function loadProblem(thrown: unknown, folder: string): LoadProblem {
  const place = placeOf(thrown, folder);
  let message = importFault(describeError(thrown));
  if (/does not provide an export named|closed in the sandbox/.test(message) && /node:|closed/.test(message)) {
    message += " (a Node built-in that acts on the whole process is closed: use fetch, Deno.connect or Deno.Command)";
  }
  return { message: message.replace(codeFrame, "").replace(/( \|)? *at file:\/\/\S+/, ""), place };
}

/** Lines of the source below a syntax error, numbered; squashed into one line they say nothing, and the place is told. */
const codeFrame = /(?: \|){2,} \d+ \| .*$/;

/** Deno's advice on imports is for a project of its own: here there is a rule instead. */
function importFault(message: string): string {
  const bare = /Import "([^"]{1,200})" not a dependency/.exec(message)?.[1];
  if (bare !== undefined) return `"${bare}" cannot be imported: ${importRule}`;
  const [, missing] = /package not found in cache: "([^"]{1,200})"/.exec(message) ?? [];
  if (missing !== undefined) return `the package ${missing} is not in Deno's cache on this machine; ${importRule}`;
  if (/--cached-only is specified|lockfile is out of date/.test(message)) {
    const name = /"npm:((?:@[^@"\/]{1,100}\/)?[^@"]{1,100})@/.exec(message)?.[1] ?? "NAME";
    const open = name === "zod" || name === "drizzle-orm" ? `write "${name}" without npm:; ` : "";
    return `npm:${name} cannot be imported like this: ${open}${importRule}`;
  }
  return message;
}

/** An error that no compute and no role waited for; its place is the first in one of the unit's folders. */
export function strayError(thrown: unknown, folders: readonly string[]): LoadProblem {
  const message = `an error that nothing waited for: ${describeError(thrown)}`;
  for (const folder of folders) {
    const place = placeOf(thrown, `${folder}/`);
    if (place !== null) return { message, place };
  }
  return { message, place: null };
}
