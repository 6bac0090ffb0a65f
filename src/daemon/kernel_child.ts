/** The kernel's process as the supervisor has it: started here, heard here, ended by kernel_supervisor.ts. */
import { stripVTControlCharacters } from "node:util";
import { buildSelfArguments, findOwnProgram, smallHeap } from "../base/self_exec.ts";
import { endFromStatus } from "../process/exit_cause.ts";
import { passLines } from "../process/output_lines.ts";
import { kernelProcessArgument } from "./arguments.ts";
import type { KernelEnd, KernelHandle, KernelListener } from "./kernel_supervisor.ts";
import { parseKernelRecord } from "./supervisor_protocol.ts";

const stderrKeptChars = 4_000;

/** Throws when the executable cannot be started. */
export function startKernelChild(root: string, listener: KernelListener): KernelHandle {
  const child = new Deno.Command(findOwnProgram(), {
    args: [...buildSelfArguments("daemon/kernel_process.ts"), kernelProcessArgument, root],
    // The workspace's own folder could then not be removed while the daemon runs, on some systems.
    cwd: "/",
    env: { DENO_V8_FLAGS: [Deno.env.get("DENO_V8_FLAGS"), ...smallHeap].filter(Boolean).join(",") },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let lastWords = "";
  const heard = Promise.all([
    passLines(child.stdout, (text) => {
      const record = parseKernelRecord(text);
      if (record === null) listener.onOutput(text);
      else listener.onRecord(record);
    }),
    passLines(child.stderr, (line) => {
      const text = stripVTControlCharacters(line);
      lastWords = `${lastWords}\n${text}`.slice(-stderrKeptChars);
      listener.onOutput(text);
    }),
  ]);
  const end = child.status.then(async ({ code, signal }): Promise<KernelEnd> => {
    await heard;
    return { code, message: endFromStatus({ code, signal }, findFault(lastWords)).message };
  });
  return { pid: child.pid, end, signal: (signal) => signalChild(child, signal) };
}

/** Deno writes the error first and its stack below: what went wrong is the error. */
export function findFault(lastWords: string): string {
  return lastWords.split("\n").findLast((line) => /^error: /.test(line)) ?? lastWords;
}

/** As `child.kill`, which throws when the process has ended already. */
export function signalChild(child: Deno.ChildProcess, signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): void {
  try {
    child.kill(signal);
  } catch (thrown) {
    // Its status is on the way.
    if (!(thrown instanceof TypeError || thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
