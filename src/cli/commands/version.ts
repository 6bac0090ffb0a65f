/** `nerve version` */
import { version as nerveVersion } from "../../base/version.ts";
import { type CliIo, exit } from "../io.ts";
import { print, printJson } from "../output.ts";

export function version(io: CliIo, flags: { json: boolean }): number {
  const versions = { nerve: nerveVersion, deno: Deno.version.deno, v8: Deno.version.v8 };
  if (flags.json) printJson(io, versions);
  else print(io, `nerve ${versions.nerve} (deno ${versions.deno})`);
  return exit.ok;
}
