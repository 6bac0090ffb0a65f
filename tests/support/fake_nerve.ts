/** A file that only pretends to be nerve. */
import { join } from "node:path";
import { writeProgram } from "./programs.ts";

/**
 * Writes a program that answers like nerve and records its arguments. Its `stop` ends a pretended daemon, unless it is
 * too late for that. `broken` is a command that fails.
 */
export function fakeNerve(folder: string, name: string, version: string, broken = "none"): string {
  const file = join(folder, name);
  const script = `#!/bin/sh
echo "${version} $1" >>"${folder}/calls"
[ "$1" = stop ] && [ ! -e "${folder}/unstoppable" ] && rm -f "${folder}/logs/daemon.json"
[ "$1" = ${broken} ] && [ "$1" = validate ] && echo "nerve.yaml:1:8 error nerve: this is nerve ${version}" && echo "1 error"
[ "$1" = ${broken} ] && { echo "cannot $1 today" >&2; exit 1; }
case $1 in
  version) echo '{ "nerve": "${version}" }' ;;
  completions) echo "# completions for $2" ;;
esac
`;
  writeProgram(file, script);
  return file;
}
