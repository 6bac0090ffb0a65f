/**
 * Names that a shell may complete, read from the workspace around it: folders for senses and workflows, the database for
 * runs. What cannot be read proposes nothing. Loaded with the routes, so everything else is imported when it is asked for.
 */
import { messageOf, NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { CliContext } from "./command.ts";
import type { LibraryKind } from "./scaffold/library.ts";

const runsProposed = 50;

export function proposeSenses(this: CliContext, partial: string): Promise<string[]> {
  return inWorkspace(this, partial, (paths) => folders(paths.senses));
}

export function proposeWorkflows(this: CliContext, partial: string): Promise<string[]> {
  return inWorkspace(this, partial, (paths) => folders(paths.workflows));
}

/** What can be added from the library; needs no workspace. */
export async function proposeFromLibrary(kind: LibraryKind, partial: string): Promise<string[]> {
  const { listLibrary } = await import("./scaffold/library.ts");
  return listLibrary(kind).filter((name) => name.startsWith(partial));
}

/** The newest runs. */
export function proposeRuns(this: CliContext, partial: string): Promise<string[]> {
  return inWorkspace(this, partial, async (paths) => {
    using records = (await import("./open_records.ts")).openRecords(paths);
    return records?.runs({ limit: runsProposed, offset: 0 }).items.map((run) => run.runId) ?? [];
  });
}

async function inWorkspace(
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
    // No workspace, a log of a newer nerve: a shell that completes has no place for an error, unless somebody looks.
    if (!(thrown instanceof NerveError || thrown instanceof Deno.errors.NotFound)) throw thrown;
    if (io.env["NERVE_DEBUG"] === "1") io.stderr.write(`${messageOf(thrown)}\n`);
    return [];
  }
}

async function folders(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) if (entry.isDirectory) names.push(entry.name);
  return names.sort();
}
