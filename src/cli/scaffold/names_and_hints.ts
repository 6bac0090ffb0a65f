/** What the commands share that give a workspace a new sense or workflow: `init sense` and `sense add`. */
import { NerveError } from "../../base/errors.ts";
import { namePattern } from "../../protocol/signal.ts";
import type { CliIo } from "../io.ts";
import { print, sign } from "../render/terminal.ts";

export type PartKind = "sense" | "workflow";

/** Throws NAME_INVALID. */
export function requireName(kind: PartKind, name: string): void {
  if (namePattern.test(name)) return;
  throw new NerveError("NAME_INVALID", `"${name}" cannot be the name of a ${kind}`, {
    hint: "Write lowercase letters, digits and inner hyphens, at most 64, such as queue-length",
  });
}

/** For nerve.yaml, by hand. */
export function printLinesToAdd(io: CliIo, lines: string): void {
  print(io, `${sign.next} add to nerve.yaml, below the keys that are there already (each may stand only once):\n`);
  print(io, lines.split("\n").map((line) => `   ${line}`).join("\n"));
  print(io, `\n${sign.next} nerve validate`);
}
