/** Starts the supervisor in the background and learns from it how that went. Used by `nerve start`. */
import { stripVTControlCharacters } from "node:util";
import { daemonStartMaxMs } from "../base/limits.ts";
import { buildSelfArguments, findOwnProgram } from "../base/self_exec.ts";
import type { Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { passLines } from "../process/output_lines.ts";
import { supervisorArgument } from "./arguments.ts";
import { signalChild } from "./kernel_child.ts";
import { parseStartReport, type StartReport } from "./supervisor_protocol.ts";

/** The supervisor's own deadline for the kernel comes first; it has then this long to say so. */
const reportMaxMs = daemonStartMaxMs + 5_000;

/**
 * Resolves when the control API answers, or with why it does not; nothing runs then. Aborting `signal` takes the start
 * back.
 */
export async function startDaemonProcess(
  paths: WorkspacePaths,
  clock: Clock,
  signal: AbortSignal,
): Promise<StartReport> {
  const child = new Deno.Command(findOwnProgram(), {
    args: [...buildSelfArguments("daemon/supervisor_process.ts"), supervisorArgument, paths.root],
    cwd: "/",
    // A session of its own: neither the terminal's end nor its Ctrl-C reaches the daemon.
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const { promise, resolve } = Promise.withResolvers<StartReport>();
  const refuse = (message: string, hint: string | null) =>
    resolve({ t: "refused", refusal: { code: "DAEMON_MISSING", message, hint } });
  const takeBack = () => signalChild(child, "SIGTERM");
  let lastWords = "";
  const said = Promise.all([
    passLines(child.stdout, (line) => {
      const report = parseStartReport(line);
      if (report !== null) resolve(report);
    }),
    passLines(child.stderr, (line) => void (lastWords = stripVTControlCharacters(line))),
  ]);
  child.status.then(async ({ code }) => {
    await said;
    // It may have ended before it listened to signals.
    if (signal.aborted) return refuse("The daemon was stopped while it started", null);
    refuse(`The daemon ended with code ${code} while it started${lastWords === "" ? "" : `: ${lastWords}`}`, null);
  });
  signal.addEventListener("abort", takeBack, { once: true });
  const cancel = clock.after(reportMaxMs, () => {
    signalChild(child, "SIGKILL");
    refuse(`The daemon did not start within ${reportMaxMs / 1000} s`, "nerve doctor");
  });
  const report = await promise;
  cancel();
  signal.removeEventListener("abort", takeBack);
  // It goes on without us.
  child.unref();
  return report;
}
