/** `nerve init [DIR]`: makes a workspace, or with --force completes one. */
import { relative, resolve } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import { type CliIo, exit } from "../io.ts";
import { print, quoteForShell, sign } from "../render/terminal.ts";
import { createEditorFiles, refreshEditorTypes } from "../scaffold/editor_types.ts";
import { readLibraryFiles } from "../scaffold/library.ts";
import { writeFiles, type WrittenFiles } from "../scaffold/owned_files.ts";
import { createNerveYaml, gitignore, starters } from "../scaffold/templates.ts";

export async function initWorkspace(io: CliIo, flags: { force: boolean }, folder = "."): Promise<number> {
  const root = resolve(io.cwd, folder);
  if (!flags.force && await exists(`${root}/nerve.yaml`)) {
    throw new NerveError("WORKSPACE_EXISTS", `${root} is a workspace already`, {
      hint: `To write what is missing, without touching what you changed: nerve init ${
        folder === "." ? "" : `${folder} `
      }--force`,
    });
  }
  await Deno.mkdir(root, { recursive: true });
  const written = await writeFiles(root, workspaceFiles());
  await refreshEditorTypes(io, root);
  report(io, root, written, await initGit(root));
  if (written.kept.includes(".gitignore")) await tellUnignored(io, root);
  return exit.ok;
}

function workspaceFiles(): Map<string, Uint8Array> {
  const encoder = new TextEncoder();
  const files = new Map<string, Uint8Array>([
    ["nerve.yaml", encoder.encode(createNerveYaml())],
    ...createEditorFiles(),
    [".gitignore", encoder.encode(gitignore)],
  ]);
  for (const kind of ["senses", "workflows"] as const) {
    for (const name of starters[kind]) {
      for (const [path, bytes] of readLibraryFiles(kind, name)) files.set(path, bytes);
    }
  }
  return files;
}

/** False when git is not there, or the folder is part of a repository already. */
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

function report(io: CliIo, root: string, { made, renewed, kept }: WrittenFiles, git: boolean): void {
  const files = workspaceFiles().size;
  if (made.length === files) {
    print(io, `${sign.ok} made a workspace in ${toPrintable(root)}`);
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
    if (made.length > 0) print(io, `   written: ${made.join(", ")}`);
    if (renewed.length > 0) print(io, `   brought up to date: ${renewed.join(", ")}`);
    if (kept.length > 0) print(io, `   left as they are, being yours: ${kept.join(", ")}`);
  }
  const path = relative(io.cwd, root);
  const target = path.startsWith("..") ? root : path;
  print(io, `${sign.next} ${target === "" ? "" : `cd ${quoteForShell(target)} && `}nerve validate`);
  print(io, `${sign.next} nerve run`);
}

/** The user's own .gitignore stays; what it may let into a repository is told. */
async function tellUnignored(io: CliIo, root: string): Promise<void> {
  const own = new Set((await Deno.readTextFile(`${root}/.gitignore`)).split("\n").map(bare));
  const missing = gitignore.trim().split("\n").filter((line) => !own.has(bare(line)));
  if (missing.length > 0) {
    print(io, `${sign.warning} your .gitignore does not name what nerve writes; add: ${missing.join(" ")}`);
  }
}

function bare(line: string): string {
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
