/** Turns anything that user code throws into a message and a place in the user's file. Used by both runtimes. */
import { messageOf } from "../base/errors.ts";
import { maskOwnText } from "./own_secrets.ts";
import type { LoadProblem } from "../protocol/message.ts";
import type { Place } from "../protocol/signal.ts";

const placePattern = /(file:\/\/[^\s()]+?):(\d+):(\d+)/;
const messageMaxChars = 4_000;
/** The rest of a longer message or stack is ignored. */
const readMaxChars = 4 * 1024 * 1024, stackMaxChars = 64 * 1024;
/** Deno's advice is about its command line; permissions are granted in nerve.yaml. */
const denoAdvice = /, run again with the --allow-(\w+) flag/;
const grantAdvice = "; declare it under permissions.$1 in nerve.yaml";
/** Deno opens such a path only to a program with all permissions, which no sandbox has. */
const allAccess = /Requires all access to ("[^"]*"), run again with the --allow-all flag/;
const allAccessAdvice =
  '$1 is always closed to Deno in the sandbox: read it with readSystemFile, from "nerve", or use a program such as ps';
/** Only an import throws this as a TypeError: no grant opens it. */
const importedFile = /^(?:NotCapable: )?Requires read access to ("[^"]*"), run again with the --allow-read flag/;
const importRule =
  "a sense or workflow may import from its own folder, lib/, nerve, drizzle-orm, zod, feedsmith, d3-scale, d3-shape and " +
  "Node built-ins; " +
  "packages (npm:NAME) and hosts only if permissions.import names them";

const explainForeignFile = (_: string, path: string): string =>
  `${path} cannot be imported: ${/\/(?:senses|workflows)\//.test(path) ? "move it to lib/; " : ""}${importRule}`;

/**
 * The message of anything thrown, bounded. It includes the class where that adds information ("NotCapable: ..."), and
 * the cause: Drizzle puts SQLite's own message there.
 */
export function describeError(thrown: unknown): string {
  const own = describeWithoutCause(thrown), cause = causeOf(thrown);
  const because = cause === null ? "" : describeWithoutCause(cause);
  return (because === "" || own.includes(because) ? own : `${own}: ${because}`).slice(0, messageMaxChars);
}

function describeWithoutCause(thrown: unknown): string {
  const { name } = partsOf(thrown), message = messageOf(thrown, toShownText);
  const text = (name === "TypeError" ? message.replace(importedFile, explainForeignFile) : message)
    .replace(allAccess, allAccessAdvice).replace(denoAdvice, grantAdvice);
  const prefix = ["", "Error", "TypeError"].includes(name) ? "" : `${name}: `;
  return text.startsWith(prefix) ? text : prefix + text;
}

/** Secrets are masked before the text is cut to what is shown; this first cut is far beyond that. */
function toShownText(text: string): string {
  return maskOwnText(text.slice(0, readMaxChars));
}

/** One step only: a chain of causes may be circular. */
function causeOf(thrown: unknown): Error | null {
  try {
    const cause = thrown instanceof Error ? thrown.cause : null;
    return cause instanceof Error ? cause : null;
  } catch {
    // As in partsOf(): a getter or a proxy that throws gives no information.
    return null;
  }
}

/** The first place in the message or the stack that is in the folder of the user's module, else null. */
export function placeOf(thrown: unknown, folder: string): Place | null {
  const { message, stack } = partsOf(thrown);
  for (const text of [message, ...stack.slice(0, stackMaxChars).split("\n")]) {
    const match = placePattern.exec(text.slice(0, messageMaxChars));
    if (match === null) continue;
    const file = pathOf(match[1] ?? "");
    if (file !== null && file.startsWith(folder)) return { file, line: Number(match[2]), column: Number(match[3]) };
  }
  return null;
}

/** User code may throw an error whose name is a symbol, whose stack is an object, or whose getters throw. */
function partsOf(thrown: unknown): { name: string; message: string; stack: string } {
  const part = (key: "name" | "message" | "stack"): string => {
    try {
      const value = thrown instanceof Error ? thrown[key] : "";
      return typeof value === "string" ? value : "";
    } catch {
      // A getter or a proxy that throws gives no information.
      return "";
    }
  };
  return { name: part("name"), message: part("message"), stack: part("stack") };
}

function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url).pathname);
  } catch {
    // A stack that user code wrote need not contain a valid URL.
    return null;
  }
}

/** Why a module could not be imported. Syntax errors and missing files keep their place. */
export function toLoadProblem(thrown: unknown, folder: string): LoadProblem {
  const place = placeOf(thrown, folder);
  let message = explainImportError(describeError(thrown));
  if (
    /does not provide an export named|closed in the sandbox/.test(message) && /node:|closed/.test(message) &&
    !/node:sqlite is closed/.test(message)
  ) {
    message += " (Node built-ins that affect the whole process are closed: use fetch, Deno.connect or Deno.Command)";
  }
  return { message: message.replace(codeFrame, "").replace(/( \|)? *at file:\/\/\S+/, ""), place };
}

/** Numbered source lines below a syntax error. They are useless on one line, and the place is reported anyway. */
const codeFrame = /(?: \|){2,} \d+ \| .*$/;

/** Replaces Deno's advice on imports, which is meant for Deno projects, with the rule of the sandbox. */
function explainImportError(message: string): string {
  const bare = /Import "([^"]{1,200})" not a dependency/.exec(message)?.[1];
  if (bare?.startsWith("nerve/peers/") === true) {
    return `"${bare}" gives types only: write import type { ... } from "${bare}", and SQL to read the tables`;
  }
  if (bare !== undefined) return `"${bare}" cannot be imported: ${importRule}`;
  const [, missing] = /package not found in cache: "([^"]{1,200})"/.exec(message) ?? [];
  if (missing !== undefined) return `the package ${missing} is not in Deno's cache on this machine; ${importRule}`;
  if (/--cached-only is specified|lockfile is out of date/.test(message)) {
    const name = /"npm:((?:@[^@"\/]{1,100}\/)?[^@"]{1,100})@/.exec(message)?.[1] ?? "NAME";
    const isOpen = ["zod", "drizzle-orm", "feedsmith", "d3-scale", "d3-shape"].includes(name);
    const open = isOpen ? `write "${name}" without npm:; ` : "";
    return `npm:${name} cannot be imported like this: ${open}${importRule}`;
  }
  return message;
}

/** The message of what `compute` threw, with advice on nested transactions. */
export function explainComputeError(message: string): string {
  const nested = message.includes("cannot start a transaction within a transaction");
  return nested ? `${message} (${wholeCompute})` : message;
}

const wholeCompute =
  "a compute is one transaction: use db.transaction or a savepoint, or export const transaction = false";

/** An error outside of any compute or role; its place is the first one found in a folder of the unit. */
export function toStrayProblem(thrown: unknown, folders: readonly string[]): LoadProblem {
  const message = `uncaught error outside of any compute or role: ${describeError(thrown)}`;
  for (const folder of folders) {
    const place = placeOf(thrown, `${folder}/`);
    if (place !== null) return { message, place };
  }
  return { message, place: null };
}
