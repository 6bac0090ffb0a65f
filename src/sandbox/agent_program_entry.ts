/**
 * The beginning of a program of an agent that is confined: restricts this process for good, and puts the program into it.
 * Everything that the program starts inherits that. Started by agents/agent_program.ts; nothing of the program runs here.
 * I1. The program begins only when everything holds: Landlock, and the filter of Unix sockets.
 * I2. It gets the environment that it is meant to have, and nothing of what this file needs itself.
 */
import { join } from "node:path";
import { confinementVariable, type ProgramConfinement } from "../protocol/agent_confinement.ts";
import { keepFilesFromPrograms } from "../base/inherited_files.ts";
import { restrictSelf } from "../base/landlock.ts";
import { replaceProcess } from "../base/replace_process.ts";
import { refuseUnixSockets } from "../base/seccomp_sockets.ts";

/** Never returns: it becomes the program, or throws. */
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
