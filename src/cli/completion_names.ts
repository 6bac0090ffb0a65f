/**
 * Proposes names for shell completion. Senses and workflows come from the workspace's folders, runs from its database;
 * what cannot be read gives no proposals. This file is loaded with the routes, so it imports everything else on demand.
 */
import { messageOf, NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CliContext } from "./command.ts";
import type { LibraryKind } from "./scaffold/library.ts";

const runsProposed = 50;

export function proposeSenses(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, (paths) => listFolders(paths.senses));
}

export function proposeWorkflows(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, (paths) => listFolders(paths.workflows));
}

/** The hooks of nerve.yaml. */
export function proposeHooks(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    const parsed = await (await import("./workspace.ts")).readConfigFile(paths);
    return parsed.ok ? [...parsed.value.config.hooks.keys()] : [];
  });
}

/** The engines of nerve.yaml. */
export function proposeEngines(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    const parsed = await (await import("./workspace.ts")).readConfigFile(paths);
    return parsed.ok ? [...parsed.value.config.engines.keys()] : [];
  });
}

/** The alerts of nerve.yaml. */
export function proposeAlerts(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    const parsed = await (await import("./workspace.ts")).readConfigFile(paths);
    return parsed.ok ? [...parsed.value.config.alerts.keys()] : [];
  });
}

/** Names in the library; needs no workspace. */
export async function proposeFromLibrary(kind: LibraryKind, partial: string): Promise<string[]> {
  const { listLibrary } = await import("./scaffold/library.ts");
  return listLibrary(kind).filter((name) => name.startsWith(partial));
}

/** Agent sessions that have not ended. */
export function proposeSessions(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    using records = (await import("./open_records.ts")).openRecords(paths);
    return records?.sessions({ all: false, limit: runsProposed, offset: 0 }).items.map(({ id }) => id) ?? [];
  });
}

/** The newest runs. */
export function proposeRuns(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    using records = (await import("./open_records.ts")).openRecords(paths);
    return records?.runs({ limit: runsProposed, offset: 0 }).items.map((run) => run.runId) ?? [];
  });
}

/** The oldest requests that wait for a decision. */
export function proposeRequests(this: CliContext, partial: string): Promise<string[]> {
  return proposeFrom(this, partial, async (paths) => {
    using records = (await import("./open_records.ts")).openRecords(paths);
    return records?.approvals({ all: false, limit: runsProposed, offset: 0 }).items.map(({ id }) => id) ?? [];
  });
}

async function proposeFrom(
  { io }: CliContext,
  partial: string,
  list: (paths: WorkspacePaths) => Promise<string[]>,
): Promise<string[]> {
  try {
    const paths = await (await import("./workspace.ts")).openWorkspace(
      io,
      undefined,
    );
    return (await list(paths)).filter((name) => name.startsWith(partial));
  } catch (thrown) {
    // No workspace, or a log written by a newer nerve. Completion has nowhere to show an error; NERVE_DEBUG=1 prints
    // it.
    if (!(thrown instanceof NerveError || thrown instanceof Deno.errors.NotFound)) throw thrown;
    if (io.env["NERVE_DEBUG"] === "1") io.stderr.write(`${messageOf(thrown)}\n`);
    return [];
  }
}

async function listFolders(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) if (entry.isDirectory) names.push(entry.name);
  return names.sort();
}
