/**
 * The compiled form: `deno compile` over the staged folder. Used by main.ts.
 * It needs `denort`, Deno's runtime for compiled programs: from DENORT_BIN, Deno's cache, or the network.
 */
import { tryRun } from "./command.ts";
import { detectTarget, headBytes, type Target } from "./executable.ts";
import { entryPaths } from "./stage.ts";

/** Run in the staged folder. `out` is absolute. */
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
  /** Whether it is for want of a working denort; else the program itself does not compile. */
  readonly runtimeMissing: boolean;
};

/**
 * Compiles, looks which machine the result is for, and for this one tries it. `out` must be a name that `addExtension` gave.
 * When it fails, there may be a file that is of no use.
 */
export async function compile(staged: string, out: string, target: Target | null): Promise<Compiled> {
  const made = await tryRun(Deno.execPath(), createCompileArguments(out, target), { cwd: staged });
  if (!made.success) {
    // The last two: DENORT_BIN is there, and no executable for the target.
    const runtimeMissing = /base binary|denort|Invalid object|Failed to parse/i.test(made.stderr);
    return { ok: false, reason: reasonOf(made.stderr), runtimeMissing };
  }
  const own = target === null || target === Deno.build.target;
  if (await targetOfFile(out) !== (target ?? Deno.build.target)) {
    return { ok: false, reason: "the runtime (DENORT_BIN?) is for another machine", runtimeMissing: true };
  }
  if (!own) return { ok: true };
  const tried = await tryRun(out, ["version", "--json"], { cwd: staged });
  if (isCompiledNerve(tried.stdout)) return { ok: true };
  return { ok: false, reason: `the runtime (DENORT_BIN?) does not start the program`, runtimeMissing: true };
}

async function targetOfFile(path: string): Promise<Target | null> {
  using file = await Deno.open(path);
  const head = new Uint8Array(headBytes);
  return detectTarget(head.subarray(0, await file.read(head) ?? 0));
}

function isCompiledNerve(stdout: string): boolean {
  try {
    return JSON.parse(stdout).form === "compiled";
  } catch (thrown) {
    // A program that is not nerve, or printed nothing at all.
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
}

/** The cause that tells most: the first of Deno's numbered causes that names what it could not get. */
function reasonOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const telling = lines.find((line) => /error sending request|denort\b|Invalid object|Failed to parse/i.test(line)) ??
    lines.find((line) => line.startsWith("error")) ?? "deno compile failed";
  return telling.replace(/^(\d+:|error:)\s*/, "").replace(/: client error.*$/, "");
}

/** The name of a target's program in a folder of several. */
export function buildProgramName(target: Target): string {
  return addExtension(`nerve-${target}`, target);
}

/** For Windows with the ending that `deno compile` would add, unasked, to any other. */
export function addExtension(name: string, target: Target | null): string {
  return (target ?? Deno.build.target).includes("windows") && !name.endsWith(".exe") ? `${name}.exe` : name;
}
