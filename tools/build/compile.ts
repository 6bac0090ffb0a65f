/**
 * Builds the compiled form: `deno compile` on the staged folder. Used by main.ts.
 * It needs `denort`, Deno's runtime for compiled programs, from DENORT_BIN, Deno's cache or the network.
 */
import { tryRun } from "./command.ts";
import { detectTarget, headBytes, type Target } from "./executable.ts";
import { entryPaths } from "./stage.ts";

/** The arguments of deno, to be run in the staged folder. `out` is absolute. */
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

export type Compiled = { readonly ok: true } | {
  readonly ok: false;
  /** One line. */
  readonly reason: string;
  /** True when a working denort is missing; false when the program itself does not compile. */
  readonly runtimeMissing: boolean;
};

/** What is wrong with the runtime that DENORT_BIN names, if it names one: known before anything is staged. */
export async function checkRuntime(target: Target | null): Promise<Compiled> {
  const runtime = Deno.env.get("DENORT_BIN");
  if (runtime === undefined || await detectTargetOf(runtime) === (target ?? Deno.build.target)) return { ok: true };
  return { ok: false, reason: "the runtime (DENORT_BIN?) is for another machine", runtimeMissing: true };
}

/**
 * Compiles, checks which machine the result is for, and tries it if it is for this one. `out` must be a name that
 * `addExtension` returned. A failure may leave an unusable file.
 */
export async function compile(staged: string, out: string, target: Target | null): Promise<Compiled> {
  const result = await tryRun(Deno.execPath(), createCompileArguments(out, target), { cwd: staged });
  if (!result.success) {
    // The last two mean that DENORT_BIN exists but is not an executable for the target.
    const runtimeMissing = /base binary|denort|Invalid object|Failed to parse/i.test(result.stderr);
    return { ok: false, reason: findReason(result.stderr), runtimeMissing };
  }
  const own = target === null || target === Deno.build.target;
  if (await detectTargetOf(out) !== (target ?? Deno.build.target)) {
    return { ok: false, reason: "the runtime (DENORT_BIN?) is for another machine", runtimeMissing: true };
  }
  if (!own) return { ok: true };
  const trial = await tryRun(out, ["version", "--json"], { cwd: staged });
  if (isCompiledNerve(trial.stdout)) return { ok: true };
  return { ok: false, reason: `the runtime (DENORT_BIN?) does not start the program`, runtimeMissing: true };
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
