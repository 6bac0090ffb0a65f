/**
 * The entry point of a confined agent's program: restricts this process for good, then replaces it with the program.
 * Everything that the program starts inherits the restrictions. Started by agents/agent_program.ts; nothing of the
 * program runs here.
 * I1. The program begins only when everything holds: Landlock, and the filter of Unix sockets.
 * I2. The program gets the environment that is meant for it, and none of the variables that this file needs.
 */
import { join } from "node:path";
import { confinementVariable, type ProgramConfinement } from "../protocol/agent_confinement.ts";
import { keepFilesFromPrograms } from "../base/inherited_files.ts";
import { restrictSelf } from "../base/landlock.ts";
import { replaceProcess } from "../base/replace_process.ts";
import { refuseUnixSockets } from "../base/seccomp_sockets.ts";

/** Never returns: the process becomes the program, or this throws. */
export function runConfined(): never {
  const [, program = "", ...words] = Deno.args, env = Deno.env.toObject();
  const { rules, unset, set } = JSON.parse(env[confinementVariable] ?? "{}") as ProgramConfinement;
  for (const name of [confinementVariable, ...unset]) delete env[name];
  Object.assign(env, set);
  keepFilesFromPrograms();
  restrictSelf(rules);
  refuseUnixSockets();
  for (const path of listPaths(program, env.PATH ?? "")) replaceProcess(path, [program, ...words], env);
  throw new Error(`${program} cannot be started: it is not there, or may not be executed behind Landlock`);
}

function listPaths(program: string, path: string): string[] {
  if (program.includes("/")) return [program];
  return path.split(":").filter((folder) => folder.startsWith("/")).map((folder) => join(folder, program));
}

// Under Deno this file is the entry point; in a compiled nerve, main.ts calls `runConfined`.
if (import.meta.main) runConfined();
