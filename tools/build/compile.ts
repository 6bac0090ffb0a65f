/**
 * Builds the compiled form: `deno compile` on the staged folder. Used by main.ts.
 * It needs `denort`, Deno's runtime for compiled programs, from DENORT_BIN, Deno's cache or the network.
 */
import { join } from "node:path";
import { tryRun } from "./command.ts";
import { detectTarget, headBytes, type Target } from "./executable.ts";
import { entryPaths } from "./stage.ts";

/** The arguments of `deno`, which runs in the staged folder. `out` is absolute. */
export function createCompileArguments(out: string, target: Target | null): string[] {
  const main = "src/bundle/main.js";
  const included = [...entryPaths.filter((entry) => entry !== main), "src", "lib", "senses", "workflows"];
  return [
    "compile",
    "-A",
    "--no-prompt",
    "--no-check",
    "--no-remote",
    "--no-lock",
    "--quiet",
    "-c",
    "deno.json",
    ...included.flatMap((path) => ["--include", path]),
    ...target === null ? [] : ["--target", target],
    "--output",
    out,
    main,
  ];
}

export type CompileResult = { readonly ok: true } | {
  readonly ok: false;
  /** One line. */
  readonly reason: string;
};

/**
 * Checks for a working denort for `target`, as far as this machine can: compiles a program of one line, checks which
 * machine the result is for, and starts it if it is for this one. `folder` is empty.
 */
export async function checkRuntime(folder: string, target: Target | null): Promise<CompileResult> {
  const out = addExtension(join(folder, "probe"), target), word = "runs";
  await Deno.writeTextFile(join(folder, "probe.js"), `console.log("${word}");\n`);
  const forTarget = target === null ? [] : ["--target", target];
  const flags = ["--no-check", "--no-config", "--no-lock", "--no-npm", "--quiet"];
  const args = ["compile", ...flags, ...forTarget, "--output", out, "probe.js"];
  const result = await tryRun(Deno.execPath(), args, { cwd: folder });
  if (!result.success) return { ok: false, reason: findReason(result.stderr) };
  if (await detectTargetOf(out) !== (target ?? Deno.build.target)) {
    return { ok: false, reason: "the runtime (DENORT_BIN?) is for another machine" };
  }
  if (target !== null && target !== Deno.build.target) return { ok: true };
  const { stdout } = await tryRun(out, [], { cwd: folder });
  return stdout.trim() === word
    ? { ok: true }
    : { ok: false, reason: "the runtime (DENORT_BIN?) does not start a program" };
}

/**
 * Compiles nerve, and tries the result if it is for this machine. `out` must be a name that `addExtension` returned.
 * A failure may leave an unusable file.
 */
export async function compile(staged: string, out: string, target: Target | null): Promise<CompileResult> {
  const result = await tryRun(Deno.execPath(), createCompileArguments(out, target), { cwd: staged });
  if (!result.success) return { ok: false, reason: findReason(result.stderr) };
  if (target !== null && target !== Deno.build.target) return { ok: true };
  const trial = await tryRun(out, ["version", "--json"], { cwd: staged });
  return isCompiledNerve(trial.stdout) ? { ok: true } : { ok: false, reason: "the program does not start" };
}

async function detectTargetOf(path: string): Promise<Target | null> {
  using file = await Deno.open(path);
  const head = new Uint8Array(headBytes);
  return detectTarget(head.subarray(0, await file.read(head) ?? 0));
}

function isCompiledNerve(stdout: string): boolean {
  try {
    return JSON.parse(stdout).form === "compiled";
  } catch (thrown) {
    // The program is not nerve, or printed nothing.
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

/** The most useful line: the first of Deno's numbered causes that names what it could not get. */
function findReason(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const reason = lines.find((line) => /error sending request|denort\b|Invalid object|Failed to parse/i.test(line)) ??
    lines.find((line) => line.startsWith("error")) ?? "deno compile failed";
  return reason.replace(/^(\d+:|error:)\s*/, "").replace(/: client error.*$/, "");
}

/** The name of a target's program when several are built into one folder. */
export function buildProgramName(target: Target): string {
  return addExtension(`nerve-${target}`, target);
}

/** Adds `.exe` for Windows, which `deno compile` would otherwise add itself. */
export function addExtension(name: string, target: Target | null): string {
  return (target ?? Deno.build.target).includes("windows") && !name.endsWith(".exe") ? `${name}.exe` : name;
}
