/** Helpers of the commands that add a sense or workflow to a workspace. */
import { NerveError } from "../../base/errors.ts";
import { namePattern } from "../../base/name_pattern.ts";
import type { CliIo } from "../io.ts";
import { print, sign } from "../render/terminal.ts";

export type PartKind = "sense" | "workflow";

/** Throws NAME_INVALID. */
export function requireName(kind: PartKind, name: string): void {
  if (namePattern.test(name)) return;
  throw new NerveError("NAME_INVALID", `"${name}" cannot be the name of a ${kind}`, {
    hint: "use at most 64 lowercase letters, digits and inner hyphens, such as queue-length",
  });
}

/** Prints the lines that the user must add to nerve.yaml by hand. */
export function printLinesToAdd(io: CliIo, lines: string): void {
  print(io, `${sign.next} add to nerve.yaml, below existing keys (each key may appear only once):\n`);
  print(io, lines.split("\n").map((line) => `   ${line}`).join("\n"));
  print(io, `\n${sign.next} nerve validate`);
}
