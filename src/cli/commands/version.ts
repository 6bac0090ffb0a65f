/** `nerve version`: prints the version of nerve, and of the Deno that runs it. */
import { build, version } from "../../base/version.ts";
import { type CliIo, exit } from "../io.ts";
import { print, printJson } from "../render/terminal.ts";

export function printVersion(io: CliIo, flags: { json: boolean }): number {
  const versions = { nerve: version, ...build, deno: Deno.version.deno, v8: Deno.version.v8 };
  if (flags.json) printJson(io, versions);
  else {
    const commit = versions.commit === null ? "" : `, commit ${versions.commit}`;
    print(io, `nerve ${versions.nerve} (${versions.form}${commit}, deno ${versions.deno})`);
  }
  return exit.ok;
}
