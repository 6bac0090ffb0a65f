/**
 * Chooses the isolation of each agent: none where nerve.yaml turns it off, else process/agent_landlock_rules.ts. Used
 * by agents.ts.
 * I1. An agent that cannot be confined as nerve.yaml wants does not run.
 * I2. A confined agent never works in a folder that contains nerve itself, its code or the system: it may write where
 *     it works. The same holds for the scripted agent, which has no sandbox: a workflow chooses its folder and what it
 *     writes there.
 */
import { join, resolve } from "node:path";
import { AgentFault } from "../agents/ports.ts";
import { type ChangeableFolders, resolveGrantedPath } from "../base/granted_path.ts";
import { landlockHint, type LandlockRules, noLandlock, systemLandlock } from "../base/landlock.ts";
import { listOfWorkspace, systemFolders } from "../config/permissions/protected_paths.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { buildAgentRules } from "../process/agent_landlock_rules.ts";
import type { AgentDefinition } from "../protocol/agent.ts";

export interface AgentPlace {
  /** Real paths. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The folders of `data/` in which agents work. */
const worktrees = "worktrees";

/** Null: the agent is not confined. Throws an AgentFault. */
export function findAgentIsolation(
  paths: WorkspacePaths,
  { confined, protocol, read, command }: AgentDefinition,
  { cwd, home, env }: AgentPlace,
  changeable: ChangeableFolders,
): LandlockRules | null {
  const userHome = Deno.env.get("HOME") ?? null;
  if (confined || protocol === "fake") checkFolder(paths, cwd, userHome);
  if (!confined || protocol === "fake") return null;
  if (systemLandlock() < 1) throw new AgentFault(`it cannot be confined: ${noLandlock}; ${landlockHint}`);
  const program = command[0] ?? "";
  const named = read.map((path) => resolve(paths.root, path.replace(/^~(?=\/|$)/, userHome ?? "~")));
  const wall = buildAgentRules({
    ...{ cwd, home, program, userHome },
    read: named.map((path) => follow(path, changeable)),
    pathVariable: env.PATH ?? "",
  });
  if (wall === null) throw new AgentFault(`${program} cannot be started: there is no such program`);
  return wall;
}

/** Resolves a path of `read`. A link that a unit may have made could expose what the agent must not see. */
function follow(granted: string, changeable: ChangeableFolders): string {
  const { path, foreignLink } = resolveGrantedPath(granted, changeable);
  if (foreignLink === null) return path;
  const { link, folder } = foreignLink;
  throw new AgentFault(`GRANT_REPLACED: ${granted} is not opened: ${link} is a link that leads out of ${folder}`);
}

function checkFolder({ root, data, runtimeFolder }: WorkspacePaths, cwd: string, userHome: string | null): void {
  if (isWithin(join(data, worktrees), cwd)) return;
  const rows = [
    ...listOfWorkspace(root),
    [runtimeFolder, "the sockets of the daemon"] as const,
    ...systemFolders.map((path) => [path, "what the system executes or reads as its settings"] as const),
  ];
  // Programs that a user installed in a folder of /opt are not part of the system.
  const hit = rows.find(([path]) => isWithin(cwd, path) || path !== "/opt" && isWithin(path, cwd));
  if (hit !== undefined) {
    throw new AgentFault(
      `it may not work in ${cwd}, where ${hit[0]} is (${hit[1]}): it may write where it works; give the role a cwd`,
    );
  }
  if (userHome !== null && isWithin(cwd, userHome)) {
    throw new AgentFault(`it may not work in ${cwd}, which holds your own settings and programs; give the role a cwd`);
  }
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
