/** `nerve restart`: stop, then start. Checks the configuration first, so that an invalid one changes nothing. */
import { NerveError } from "../../base/errors.ts";
import { daemonStopMaxMs } from "../../base/limits.ts";
import { findDaemon, isRunning } from "../../daemon/discovery.ts";
import { workspaceHeld } from "../../protocol/common_errors.ts";
import { type CliIo, exit } from "../io.ts";
import { openWorkspace } from "../workspace.ts";
import { loadValidConfig, startDaemon } from "./start.ts";
import { stopDaemon } from "./stop.ts";

interface Flags {
  readonly timeout?: number | undefined;
  readonly workspace?: string | undefined;
}

export async function restart(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const parsed = await loadValidConfig(io, paths);
  if (parsed === null) return exit.failed;
  const found = findDaemon(paths);
  const { kernel, supervised } = found;
  if (supervised === null && (kernel?.kind === "embedded" || kernel?.kind === "command")) {
    throw workspaceHeld(paths.root, kernel, { hint: "nerve status" });
  }
  if (kernel !== null && supervised === null) {
    throw new NerveError("DAEMON_RUNNING", `the daemon (pid ${kernel.pid}) was not started by nerve start`, {
      hint: "restart it where it runs: Ctrl-C and nerve run, or systemctl --user restart",
    });
  }
  if (isRunning(found) && await stopDaemon(io, paths, flags.timeout ?? daemonStopMaxMs) === "interrupted") {
    return exit.interrupted;
  }
  return await startDaemon(io, paths, parsed);
}
