/**
 * Checks the types of a workspace's senses and workflows, for `nerve validate`: it reports what `deno check` and an
 * editor report with the workspace's deno.json. nerve contains no type checker: it runs the Deno that runs it or, when
 * compiled, the `deno` on PATH. Measured: 4 s of processor time after a change of the code or its packages, otherwise
 * 40 ms. The TypeScript compiler inside nerve would take 8 s each time, 580 MB of memory and 14 MB of the executable.
 * I1. No user code runs. Nothing is written to the workspace.
 * I2. Anything that cannot be checked is reported with the reason: it never counts as checked.
 */
import { join } from "node:path";
import { formatDuration } from "../../base/duration.ts";
import { messageOf } from "../../base/errors.ts";
import { toFilePath } from "../../base/file_url.ts";
import { typeCheckMaxMs } from "../../base/limits.ts";
import { toPrintable } from "../../base/printable.ts";
import { findOwnProgram, isCompiled } from "../../base/self_exec.ts";
import type { Diagnostic } from "../../config/diagnostic.ts";
import type { NerveConfig } from "../../config/types.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { CliIo } from "../io.ts";
import { leadsToTypes } from "../scaffold/editor_types.ts";

export interface TypeCheck {
  readonly problems: readonly Diagnostic[];
  /** Why the types were not checked; null when they were. */
  readonly unchecked: string | null;
}

export async function checkTypes(io: CliIo, paths: WorkspacePaths, config: NerveConfig): Promise<TypeCheck> {
  const entries = [...listEntries(paths, config).keys()];
  if (entries.length === 0) return { problems: [], unchecked: null };
  if (!await leadsToTypes(paths.root)) {
    return unchecked("no deno.json leads to the types of nerve: nerve init --force writes one");
  }
  const deno = isCompiled ? findOnPath(io.env["PATH"] ?? "") : findOwnProgram();
  if (deno === null) return unchecked("this nerve contains no type checker, and there is no deno on PATH");
  const limit = AbortSignal.timeout(typeCheckMaxMs);
  try {
    const { success, stderr } = await new Deno.Command(deno, {
      args: ["check", "--quiet", "--config", join(paths.root, "deno.json"), ...entries],
      cwd: paths.root,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: limit,
    }).output();
    if (limit.aborted) return unchecked(`it took longer than ${formatDuration(typeCheckMaxMs)}`);
    const text = new TextDecoder().decode(stderr), problems = success ? [] : readProblems(text, paths, config);
    if (success || problems.length > 0) return { problems, unchecked: null };
    return unchecked(findReason(text));
  } catch (thrown) {
    return unchecked(messageOf(thrown));
  }
}

function unchecked(why: string): TypeCheck {
  return { problems: [], unchecked: toPrintable(why) };
}

/** The entry modules, each with the path in nerve.yaml of the first entry that uses it. */
function listEntries(paths: WorkspacePaths, { senses, workflows }: NerveConfig): Map<string, string> {
  const entries = new Map<string, string>();
  const add = (entry: string, path: string) => entries.has(entry) || entries.set(entry, path);
  for (const { name, use } of senses.values()) add(paths.senseEntry(use), `senses.${name}`);
  for (const { name, use } of workflows.values()) add(paths.workflowEntry(use), `workflows.${name}`);
  return entries;
}

function findOnPath(path: string): string | null {
  for (const folder of path.split(":").filter((each) => each !== "")) {
    try {
      if (Deno.statSync(join(folder, "deno")).isFile) return join(folder, "deno");
    } catch {
      // The file is missing, or its folder may not be entered: another folder may have it.
    }
  }
  return null;
}

/** `TS2322 [ERROR]: text`, perhaps code with marks below it, and `at file:///path:4:14`. */
const problemPattern = /^(TS\d+) \[ERROR\]: ([^]*?)\n {4}at (file:\/\/\/\S+):(\d+):(\d+)$/gm;

/** The problems that `deno check` reported. */
export function readProblems(text: string, paths: WorkspacePaths, config: NerveConfig): Diagnostic[] {
  const entries = listEntries(paths, config);
  return [...text.matchAll(problemPattern)].map(([, code = "", body = "", url = "", line, column]): Diagnostic => {
    const file = toFilePath(new URL(url)), folder = /^.*\/(?:senses|workflows)\/[^/]+\//.exec(file)?.[0] ?? null;
    return {
      severity: "error",
      path: folder === null ? "" : entries.get(`${folder}index.ts`) ?? "",
      message: `${readMessage(body)} (${code})`,
      hint: null,
      place: { file, line: Number(line), column: Number(column) },
    };
  });
}

/** The lines before the excerpt of the code, whose last line is marked. */
function readMessage(body: string): string {
  const lines = body.split("\n"), mark = lines.findIndex((line) => /^\s*~+\s*$|^\s*\^\s*$/.test(line));
  return lines.slice(0, mark < 1 ? undefined : mark - 1).map((line) => line.trim()).join(" ");
}

function findReason(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.find((line) => line.startsWith("error")) ?? lines[0] ?? "deno check failed without a word";
}
