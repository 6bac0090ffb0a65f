/** Starts the supervisor in the background and reads its report on the start. Used by `nerve start`. */
import { getBuiltIn } from "../base/built_ins.ts";
import { daemonStartMaxMs } from "../base/limits.ts";
import { markVariable } from "../base/program_mark.ts";
import { buildSelfArguments, findOwnProgram } from "../base/self_exec.ts";
import type { Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { forwardLines } from "../base/output_lines.ts";
import { supervisorArgument } from "./arguments.ts";
import { signalChild } from "./kernel_child.ts";
import { parseStartReport, type StartReport } from "./supervisor_protocol.ts";

/** Longer than the supervisor's own deadline for the kernel, so that it has time to report a kernel that is late. */
const reportMaxMs = daemonStartMaxMs + 5_000;

/**
 * Resolves when the control API answers or, if the start failed, with the reason; nothing runs then. Aborting `signal`
 * cancels the start.
 */
export async function startDaemonProcess(
  paths: WorkspacePaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<StartReport> {
  const child = new Deno.Command(findOwnProgram(), {
    args: [...buildSelfArguments("daemon/supervisor_process.ts"), supervisorArgument, paths.root],
    cwd: "/",
    // A daemon that a role starts outlives the role.
    env: { [markVariable]: "" },
    // In a session of its own, so that neither closing the terminal nor Ctrl-C reaches the daemon.
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { promise, resolve } = Promise.withResolvers<StartReport>();
  const fail = (message: string, hint: string | null) =>
    resolve({ t: "refused", refusal: { code: "DAEMON_MISSING", message, hint } });
  const cancelStart = () => signalChild(child, "SIGTERM");
  let lastLine = "";
  const outputEnd = Promise.all([
    forwardLines(child.stdout, (line) => {
      const report = parseStartReport(line);
      if (report !== null) resolve(report);
    }),
    forwardLines(child.stderr, (line) => void (lastLine = getBuiltIn("node:util").stripVTControlCharacters(line))),
  ]);
  child.status.then(async ({ code }) => {
    await outputEnd;
    // The supervisor may have ended before it had a signal handler.
    if (signal.aborted) return fail("the daemon was stopped while it started", null);
    fail(`the daemon ended with code ${code} while it started${lastLine === "" ? "" : `: ${lastLine}`}`, null);
  });
  signal.addEventListener("abort", cancelStart, { once: true });
  const cancel = clock.after(reportMaxMs, () => {
    signalChild(child, "SIGKILL");
    fail(`the daemon did not start within ${reportMaxMs / 1000} s`, "nerve doctor");
  });
  const report = await promise;
  cancel();
  signal.removeEventListener("abort", cancelStart);
  // Lets this process end while the daemon continues to run.
  child.unref();
  return report;
}
