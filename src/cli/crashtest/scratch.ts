/**
 * A copy of a workspace for a crash test, in a folder of its own: its files, its configuration without anything that
 * acts automatically, the databases of its senses, and its blobs. wrapper.ts wraps the workflow under test.
 * I1. Nothing in the workspace changes, and its daemon is not asked.
 * I2. The permissions are those of the workspace, and its lock file binds them as it does there.
 */
import { basename, dirname, join } from "node:path";
import { parse, stringify } from "yaml";
import { NerveError } from "../../base/errors.ts";
import { formatSize } from "../../base/duration.ts";
import { ifPresent } from "../../base/if_present.ts";
import type { NerveConfig } from "../../config/types.ts";
import { configFileName, type WorkspacePaths, workspacePaths } from "../../config/workspace.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { RunMessage } from "../../protocol/run.ts";
import { copyDatabase } from "../../store/maintenance/backup.ts";
import { wrapperText } from "./wrapper.ts";

export interface Scratch extends AsyncDisposable {
  readonly paths: WorkspacePaths;
  /** The folder in which wrapper.ts records what happens. */
  readonly marks: string;
}

/** The most that is copied, so that the copy does not take minutes. */
const copyMaxBytes = 256 * 1024 * 1024;
/** Entries of the workspace's folder that belong to its daemon or to git, or that tools create. */
const leftOut: readonly string[] = ["data", "logs", "nerve.sock", "nerve.pid", "nerve.lock", ".git", "node_modules"];
/** Keys of nerve.yaml that start nothing. */
const keptKeys: readonly string[] = ["max_rounds", "isolation", "env_file", "senses", "groups", "workflows"];
const originalName = "crashtest_original.ts";

export async function makeScratch(
  paths: WorkspacePaths,
  config: NerveConfig,
  workflow: string,
  played: { readonly recorded: readonly RunMessage[] | null; readonly sent: readonly string[] },
): Promise<Scratch> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-crashtest-" }));
  const scratch = workspacePaths(root), marks = join(scratch.blobs, "crashtest");
  const dispose = async () => {
    for (const folder of [root, scratch.runtimeFolder]) {
      await Deno.remove(folder, { recursive: true }).catch((thrown) => {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      });
    }
  };
  try {
    const budget = { left: copyMaxBytes };
    for (const { name } of Deno.readDirSync(paths.root)) {
      if (!leftOut.includes(name)) copyTree(join(paths.root, name), join(root, name), budget);
    }
    writeConfig(paths, scratch);
    await copyData(paths, scratch, budget);
    Deno.mkdirSync(marks, { recursive: true });
    const { use } = config.workflows.get(workflow) ?? { use: workflow }, entry = scratch.workflowEntry(use);
    const original = join(dirname(entry), originalName);
    Deno.renameSync(entry, original);
    Deno.writeTextFileSync(entry, wrapperText({ original: `./${originalName}`, marks, ...played }));
  } catch (thrown) {
    await dispose();
    throw thrown;
  }
  return { paths: scratch, marks, [Symbol.asyncDispose]: dispose };
}

function copyTree(from: string, to: string, budget: { left: number }): void {
  const info = ifPresent(() => Deno.lstatSync(from));
  if (info === null) return;
  if (info.isDirectory) {
    Deno.mkdirSync(to, { recursive: true, mode: 0o700 });
    for (const { name } of Deno.readDirSync(from)) {
      if (name !== "node_modules" && name !== ".git") copyTree(join(from, name), join(to, name), budget);
    }
  } else if (info.isSymlink) Deno.symlinkSync(Deno.readLinkSync(from), to);
  else if (info.isFile) {
    budget.left -= info.size;
    if (budget.left < 0) {
      throw new NerveError(
        "USAGE",
        `the workspace holds more than ${formatSize(copyMaxBytes)}, and a crash test copies it`,
        {
          hint: `move what is large out of it; it came to ${basename(from)}`,
        },
      );
    }
    Deno.copyFileSync(from, to);
  }
}

/** Omits reflexes, alerts and schedules: only what the crash test starts runs. */
function writeConfig(paths: WorkspacePaths, scratch: WorkspacePaths): void {
  const written: unknown = parse(Deno.readTextFileSync(paths.configFile));
  const all = isPlainObject(written) ? written : {};
  const kept = Object.fromEntries(Object.entries(all).filter(([key]) => keptKeys.includes(key)));
  const workflows = isPlainObject(kept.workflows) ? kept.workflows : {};
  for (const [name, settings] of Object.entries(workflows)) {
    const { schedule: _, ...rest } = isPlainObject(settings) ? settings : {};
    workflows[name] = rest;
  }
  Deno.writeTextFileSync(join(scratch.root, configFileName), stringify(kept));
}

async function copyData(paths: WorkspacePaths, scratch: WorkspacePaths, budget: { left: number }): Promise<void> {
  Deno.mkdirSync(scratch.senseDatabases, { recursive: true, mode: 0o700 });
  for (const { name, isFile } of ifPresent(() => [...Deno.readDirSync(paths.senseDatabases)]) ?? []) {
    if (!isFile || !name.endsWith(".db")) continue;
    budget.left -= Deno.statSync(join(paths.senseDatabases, name)).size;
    if (budget.left >= 0) await copyDatabase(join(paths.senseDatabases, name), join(scratch.senseDatabases, name));
  }
  copyTree(paths.blobs, scratch.blobs, budget);
}
