/** How commands reach a workspace: its paths, its configuration, its daemon. */
import { NerveError } from "../base/errors.ts";
import { ifPresentAsync } from "../base/if_present.ts";
import type { Result } from "../base/result.ts";
import { formatProblems, type Problem } from "../config/diagnostic.ts";
import type { ParsedConfig } from "../config/parse.ts";
import type { NerveConfig } from "../config/types.ts";
import { configFileName, findWorkspace, readHost, type WorkspacePaths, workspacePaths } from "../config/workspace.ts";
import type { ControlClient } from "../control/client/client.ts";
import { findDaemon } from "../daemon/discovery.ts";
import type { CliIo } from "./io.ts";

/** The workspace that the command means. Throws WORKSPACE_MISSING. */
export async function openWorkspace(io: CliIo, flag: string | undefined): Promise<WorkspacePaths> {
  const { root } = await findWorkspace({
    flag: flag ?? null,
    env: io.env["NERVE_WORKSPACE"] ?? null,
    cwd: io.cwd,
    home: io.env["HOME"] ?? null,
  });
  return workspacePaths(root, readHost((name) => io.env[name]));
}

/** nerve.yaml as it is on disk, or everything that is wrong with it. */
export async function readConfigFile(paths: WorkspacePaths): Promise<Result<ParsedConfig, Problem[]>> {
  // zod and yaml are most of what a command loads; with a daemon few need them.
  const { parseNerveConfig } = await import("../config/parse.ts");
  return parseNerveConfig(await Deno.readTextFile(paths.configFile), configFileName);
}

/** For commands that need the configuration and are not about its problems. Throws CONFIG_INVALID. */
export async function requireConfig(paths: WorkspacePaths): Promise<NerveConfig> {
  const parsed = await readConfigFile(paths);
  if (parsed.ok) return parsed.value.config;
  const [first] = parsed.error.filter((problem) => problem.severity === "error");
  const more = parsed.error.length - 1;
  const text = first === undefined ? "" : formatProblems([{ ...first, hint: null }], "text");
  throw new NerveError("CONFIG_INVALID", `${text}${more > 0 ? ` (and ${more} more)` : ""}`, {
    hint: "nerve validate shows every problem",
  });
}

/** A client of the workspace's daemon; `using` closes it. */
export async function connect(paths: WorkspacePaths): Promise<ControlClient> {
  const { ControlClient } = await import("../control/client/client.ts");
  return new ControlClient(paths.socket, () => {
    const { kernel, supervised } = findDaemon(paths);
    // While it starts or stops it holds the lock without a socket, as it should.
    const pid = supervised === null || supervised.state === "running" ? kernel?.pid ?? null : null;
    return { root: paths.root, pid, starts: supervised?.state === "starting" || supervised?.state === "backoff" };
  });
}

/** What `ask` learns from the daemon, or null when none runs. */
export async function askIfRunning<T>(
  paths: WorkspacePaths,
  ask: (client: ControlClient) => Promise<T>,
): Promise<T | null> {
  // Loading the client takes longer than this look, and most of the time no daemon is meant to run.
  if (!await socketThere(paths.socket)) return null;
  using client = await connect(paths);
  try {
    return await ask(client);
  } catch (thrown) {
    if (thrown instanceof NerveError && thrown.code === "DAEMON_MISSING") return null;
    throw thrown;
  }
}

async function socketThere(path: string): Promise<boolean> {
  return (await ifPresentAsync(() => Deno.lstat(path)))?.isSocket === true;
}
