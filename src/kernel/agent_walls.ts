/**
 * What holds each agent: nothing, where nerve.yaml says so, else the wall of process/agent_wall.ts. Used by agents.ts.
 * I1. An agent that cannot be confined as nerve.yaml wants does not run.
 * I2. A confined agent never works in a folder that nerve itself, or its code, lives in: it may write where it works.
 */
import { join, resolve } from "node:path";
import { AgentFault } from "../agents/ports.ts";
import { ifPresent } from "../base/if_present.ts";
import { landlockHint, type LandlockRules, noLandlock, systemLandlock } from "../base/landlock.ts";
import { listOfWorkspace } from "../config/permissions/protected_paths.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { buildAgentWall } from "../process/agent_wall.ts";
import type { AgentDefinition } from "../protocol/agent.ts";

export interface AgentPlace {
  /** Real paths. */
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The folders of `data/` in which agents work. */
const worktrees = "worktrees";

/** Null: nothing holds it. Throws an AgentFault. */
export function findAgentWall(
  { root, data, runtimeFolder }: WorkspacePaths,
  { confined, read, command }: AgentDefinition,
  { cwd, home, env }: AgentPlace,
): LandlockRules | null {
  if (!confined) return null;
  if (systemLandlock() < 1) throw new AgentFault(`it cannot be confined: ${noLandlock}; ${landlockHint}`);
  const userHome = Deno.env.get("HOME") ?? null;
  const own = [...listOfWorkspace(root), [runtimeFolder, "the sockets of the daemon"] as const];
  const hit = isWithin(join(data, worktrees), cwd)
    ? undefined
    : own.find(([path]) => isWithin(path, cwd) || isWithin(cwd, path));
  if (hit !== undefined) {
    throw new AgentFault(
      `it may not work in ${cwd}, where ${hit[0]} is (${
        hit[1]
      }): a confined agent may write where it works; give the role a cwd`,
    );
  }
  if (userHome !== null && isWithin(cwd, userHome)) {
    throw new AgentFault(`it may not work in ${cwd}, which holds your own settings and programs; give the role a cwd`);
  }
  const program = command[0] ?? "";
  const named = read.map((path) => resolve(root, path.replace(/^~(?=\/|$)/, userHome ?? "~")));
  const wall = buildAgentWall({
    ...{ cwd, home, program, userHome },
    read: named.map((path) => ifPresent(() => Deno.realPathSync(path)) ?? path),
    pathVariable: env.PATH ?? "",
  });
  if (wall === null) throw new AgentFault(`${program} cannot be started: there is no such program`);
  return wall;
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}
