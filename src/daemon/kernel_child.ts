/** Starts the kernel's process for the supervisor and reads its output. kernel_supervisor.ts decides when it ends. */
import { getBuiltIn } from "../base/built_ins.ts";
import { readProcessStat } from "../base/process_id.ts";
import { buildSelfArguments, findOwnProgram, smallHeap } from "../base/self_exec.ts";
import { toProcessEnd } from "../process/exit_cause.ts";
import { forwardLines } from "../base/output_lines.ts";
import { kernelProcessArgument } from "./arguments.ts";
import type { KernelEnd, KernelHandle, KernelListener } from "./kernel_supervisor.ts";
import { parseKernelRecord } from "./supervisor_protocol.ts";

const stderrKeptChars = 4_000;

/** Throws when the executable cannot be started. */
export function startKernelChild(root: string, listener: KernelListener): KernelHandle {
  const child = new Deno.Command(findOwnProgram(), {
    args: [...buildSelfArguments("daemon/kernel_process.ts"), kernelProcessArgument, root],
    // Not the workspace, which on some systems could then not be removed while the daemon runs.
    cwd: "/",
    env: { DENO_V8_FLAGS: [Deno.env.get("DENO_V8_FLAGS"), ...smallHeap].filter(Boolean).join(",") },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let stderrTail = "";
  const outputEnd = Promise.all([
    forwardLines(child.stdout, (text) => {
      const record = parseKernelRecord(text);
      if (record === null) listener.onOutput(text);
      else listener.onRecord(record);
    }),
    forwardLines(child.stderr, (line) => {
      const text = getBuiltIn("node:util").stripVTControlCharacters(line);
      stderrTail = `${stderrTail}\n${text}`.slice(-stderrKeptChars);
      listener.onOutput(text);
    }),
  ]);
  const end = child.status.then(async ({ code, signal }): Promise<KernelEnd> => {
    await outputEnd;
    return { code, message: toProcessEnd({ code, signal }, findFault(stderrTail)).message };
  });
  const state = () => readProcessStat(child.pid)?.state ?? null;
  return { pid: child.pid, end, state, signal: (signal) => signalChild(child, signal) };
}

/**
 * The last line that begins with `error:`, because Deno prints the error before its stack; otherwise the whole text.
 */
export function findFault(stderrTail: string): string {
  return stderrTail.split("\n").findLast((line) => /^error: /.test(line)) ?? stderrTail;
}

/** Like `child.kill`, which throws when the process has already ended. */
export function signalChild(child: Deno.ChildProcess, signal: "SIGTERM" | "SIGKILL" | "SIGHUP"): void {
  try {
    child.kill(signal);
  } catch (thrown) {
    // The process has ended; its status follows.
    if (!(thrown instanceof TypeError || thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
