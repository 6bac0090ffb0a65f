/** Opens a workspace for a command: its paths, its configuration, its daemon. */
import { NerveError } from "../base/errors.ts";
import { ifPresentAsync } from "../base/if_present.ts";
import { readTrust } from "../base/ownership.ts";
import type { Result } from "../base/result.ts";
import { type Diagnostic, formatProblems } from "../config/diagnostic.ts";
import type { ParsedConfig } from "../config/parse.ts";
import { checkSocketFolder, followSocketLink } from "../config/runtime_folder.ts";
import { requireTrustedWorkspace } from "../config/trust.ts";
import type { NerveConfig } from "../config/types.ts";
import { configFileName, findWorkspace, readHost, type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import type { ControlClient } from "../control/client/client.ts";
import { findDaemon } from "../daemon/discovery.ts";
import type { Approvers } from "../protocol/approver.ts";
import { describeLockHolder } from "../protocol/lock_holder.ts";
import type { CliIo } from "./io.ts";

/**
 * The workspace that the flag, the environment or the current folder selects. Throws WORKSPACE_MISSING, and
 * OWNER_UNTRUSTED when another user could have made its content.
 */
export async function openWorkspace(io: CliIo, flag: string | undefined): Promise<WorkspacePaths> {
  const paths = await locateWorkspace(io, flag);
  requireTrustedWorkspace(paths, readTrust((name) => io.env[name]));
  return followSocketLink(paths);
}

/** The same for any owner: nothing in the workspace may be opened. */
export async function locateWorkspace(io: CliIo, flag: string | undefined): Promise<WorkspacePaths> {
  const { root } = await findWorkspace({
    flag: flag ?? null,
    env: io.env["NERVE_WORKSPACE"] ?? null,
    cwd: io.cwd,
    home: io.env["HOME"] ?? null,
  });
  return workspacePaths(root, readHost((name) => io.env[name]));
}

/** Parses nerve.yaml as it is on disk. */
export async function readConfigFile(paths: WorkspacePaths): Promise<Result<ParsedConfig, Diagnostic[]>> {
  // Imported here because zod and yaml are most of what a command loads, and few commands need them while a daemon
  // runs.
  const { parseNerveConfig } = await import("../config/parse.ts");
  return parseNerveConfig(await Deno.readTextFile(paths.configFile), configFileName);
}

/** Who may decide requests, as nerve.yaml says and its lock allows; null when nerve.yaml has errors. */
export async function readApprovers(paths: WorkspacePaths): Promise<Approvers | null> {
  const parsed = await readConfigFile(paths);
  if (!parsed.ok) return null;
  const [{ bindToLock }, { lockAtStart, readLock }] = await Promise.all([
    import("../config/permissions/lock_binding.ts"),
    import("../config/permissions/lock_file.ts"),
  ]);
  return bindToLock(parsed.value.config, null, lockAtStart(await readLock(paths))).config.approvers;
}

/** For commands that need a valid configuration. Throws CONFIG_INVALID with the first error. */
export async function requireConfig(paths: WorkspacePaths): Promise<NerveConfig> {
  return (await requireParsedConfig(paths)).config;
}

/** The same, with the places of its keys and its warnings. */
export async function requireParsedConfig(paths: WorkspacePaths): Promise<ParsedConfig> {
  const parsed = await readConfigFile(paths);
  if (parsed.ok) return parsed.value;
  const [first] = parsed.error.filter((problem) => problem.severity === "error");
  const more = parsed.error.length - 1;
  const text = first === undefined ? "" : formatProblems([{ ...first, hint: null }], "text");
  throw new NerveError("CONFIG_INVALID", `${text}${more > 0 ? ` (and ${more} more)` : ""}`, {
    hint: "nerve validate shows every problem",
  });
}

/** Creates a client of the workspace's daemon; `using` closes it. */
export async function connect(paths: WorkspacePaths): Promise<ControlClient> {
  if (!await socketExists(paths)) refuseEmbedded(paths);
  const { ControlClient } = await import("../control/client/client.ts");
  return new ControlClient(paths.socket, () => {
    const { kernel, supervised } = findDaemon(paths);
    // A daemon that is starting or stopping holds the lock but has no socket; that is not a fault.
    const pid = supervised === null || supervised.state === "running" ? kernel?.pid ?? null : null;
    return { root: paths.root, pid, starts: supervised?.state === "starting" || supervised?.state === "backoff" };
  });
}

/** A kernel inside another program may serve no control API; `nerve start` would then be the wrong advice. */
function refuseEmbedded(paths: WorkspacePaths): void {
  const { kernel } = findDaemon(paths);
  if (kernel?.kind !== "embedded") return;
  throw new NerveError("DAEMON_ANSWER", `${describeLockHolder(kernel)}, serves no control API`, {
    hint: "commands work with the option `control` of createKernel",
  });
}

/** Calls `ask` with a client of the daemon. Null when no daemon runs. */
export async function askIfRunning<T>(
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
): Promise<T | null> {
  // Checking for the socket is cheaper than loading the client, and often no daemon runs.
  if (!await socketExists(paths)) return null;
  using client = await connect(paths);
  try {
    return await ask(client);
  } catch (thrown) {
    if (thrown instanceof NerveError && thrown.code === "DAEMON_MISSING") return null;
    throw thrown;
  }
}

async function socketExists(paths: WorkspacePaths): Promise<boolean> {
  if ((await ifPresentAsync(() => Deno.lstat(paths.socket)))?.isSocket !== true) return false;
  checkSocketFolder(paths);
  return true;
}
