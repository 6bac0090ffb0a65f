/** `nerve init [DIR]`: creates a workspace or, with --force, completes one. */
import { relative, resolve } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { readTrust } from "../../base/ownership.ts";
import { toPrintable } from "../../base/printable.ts";
import { parseNerveConfig } from "../../config/parse.ts";
import { workspacePaths } from "../../config/workspace.ts";
import { requireTrusted } from "../../config/trust.ts";
import { type CliIo, exit } from "../io.ts";
import { print, quoteForShell, sign } from "../render/terminal.ts";
import { createEditorFiles, refreshEditorTypes } from "../scaffold/editor_types.ts";
import { readLibraryFiles } from "../scaffold/library.ts";
import { writeFiles, type WrittenFiles } from "../scaffold/owned_files.ts";
import { createNerveYaml, gitignore, starters } from "../scaffold/templates.ts";

export async function initWorkspace(io: CliIo, flags: { force: boolean }, folder = "."): Promise<number> {
  const root = resolve(io.cwd, folder);
  if (!flags.force && await exists(`${root}/nerve.yaml`)) {
    throw new NerveError("WORKSPACE_EXISTS", `${root} is already a workspace`, {
      hint: `to write only what is missing: nerve init ${folder === "." ? "" : `${folder} `}--force`,
    });
  }
  // In an untrusted folder, no other command would use the new files.
  requireTrusted(root, root, readTrust((name) => io.env[name]));
  await Deno.mkdir(root, { recursive: true });
  const files = await createWorkspaceFiles(root), written = await writeFiles(root, files);
  const parsed = parseNerveConfig(await Deno.readTextFile(`${root}/nerve.yaml`));
  await refreshEditorTypes(io, workspacePaths(root), parsed.ok ? parsed.value.config.senses : null);
  report(io, root, written, files.size, await initGit(root));
  if (written.kept.includes(".gitignore")) await warnOfGitignore(io, root);
  return exit.ok;
}

async function createWorkspaceFiles(root: string): Promise<Map<string, Uint8Array>> {
  const encoder = new TextEncoder();
  const files = new Map<string, Uint8Array>([
    ["nerve.yaml", encoder.encode(createNerveYaml())],
    ...await createEditorFiles(root),
    [".gitignore", encoder.encode(gitignore)],
  ]);
  for (const kind of ["senses", "workflows"] as const) {
    for (const name of starters[kind]) {
      for (const [path, bytes] of readLibraryFiles(kind, name)) files.set(path, bytes);
    }
  }
  return files;
}

/** Returns false when git is not installed or the folder is already in a repository. */
async function initGit(root: string): Promise<boolean> {
  const git = (...args: string[]) =>
    new Deno.Command("git", { args, cwd: root, stdin: "null", stdout: "null", stderr: "null" }).output();
  try {
    if ((await git("rev-parse", "--is-inside-work-tree")).success) return false;
    return (await git("init", "--quiet")).success;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function report(io: CliIo, root: string, { created, updated, kept }: WrittenFiles, files: number, git: boolean): void {
  if (created.length === files) {
    print(io, `${sign.ok} created a workspace in ${toPrintable(root)}`);
    print(io, `   senses     ${starters.senses.join(", ")}`);
    print(io, `   workflows  ${starters.workflows.join(", ")}`);
    print(
      io,
      `   settings   nerve.yaml, deno.json and import_map.json (for editors), .gitignore${
        git ? ", a git repository" : ""
      }`,
    );
  } else {
    print(io, `${sign.ok} ${toPrintable(root)} is complete`);
    if (created.length > 0) print(io, `   created: ${created.join(", ")}`);
    if (updated.length > 0) print(io, `   updated: ${updated.join(", ")}`);
    if (kept.length > 0) print(io, `   not touched, since they are yours: ${kept.join(", ")}`);
  }
  const path = relative(io.cwd, root);
  const target = path.startsWith("..") ? root : path;
  print(io, `${sign.next} ${target === "" ? "" : `cd ${quoteForShell(target)} && `}nerve validate`);
  print(io, `${sign.next} nerve run`);
}

/** Leaves the user's own .gitignore alone, and warns of files that it does not ignore. */
async function warnOfGitignore(io: CliIo, root: string): Promise<void> {
  const own = new Set((await Deno.readTextFile(`${root}/.gitignore`)).split("\n").map(trimPattern));
  const missing = gitignore.trim().split("\n").filter((line) => !own.has(trimPattern(line)));
  if (missing.length > 0) {
    print(
      io,
      `${sign.warning} your .gitignore does not cover files that do not belong into git; add: ${missing.join(" ")}`,
    );
  }
}

function trimPattern(line: string): string {
  return line.trim().replace(/^\/|\/$/g, "");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
