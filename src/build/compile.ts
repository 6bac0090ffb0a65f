/**
 * The compiled form: `deno compile` over the staged folder. Used by main.ts.
 * It needs `denort`, Deno's runtime for compiled programs: from DENORT_BIN, Deno's cache, or the network.
 */
import { join } from "node:path";
import { attempt } from "./command.ts";
import { entries } from "./stage.ts";

/** What `deno compile` can make programs for. */
export const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;
export type Target = (typeof targets)[number];

/** Run in the staged folder. `out` is absolute. */
export function compileArguments(out: string, target: Target | null): string[] {
  const included = [...entries.filter((entry) => entry !== "src/main.ts"), "src", "lib", "senses", "workflows"];
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
    "src/main.ts",
  ];
}

export type Compiled = { readonly ok: true } | {
  readonly ok: false;
  /** One line. */
  readonly reason: string;
  /** Whether it is for want of a working denort; else the program itself does not compile. */
  readonly runtimeMissing: boolean;
};

/** Compiles, and for this machine's own target tries the result. */
export async function compile(staged: string, out: string, target: Target | null): Promise<Compiled> {
  const made = await attempt(Deno.execPath(), compileArguments(out, target), { cwd: staged });
  if (!made.success) {
    const runtimeMissing = /base binary|denort/i.test(made.stderr);
    return { ok: false, reason: reasonOf(made.stderr), runtimeMissing };
  }
  if (target !== null && target !== Deno.build.target) return { ok: true };
  const tried = await attempt(out, ["version", "--json"], { cwd: staged });
  if (isCompiledNerve(tried.stdout)) return { ok: true };
  await Deno.remove(out);
  return { ok: false, reason: `the runtime (DENORT_BIN?) does not start the program`, runtimeMissing: true };
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
  const telling = lines.find((line) => /error sending request|denort/i.test(line)) ??
    lines.find((line) => line.startsWith("error")) ?? "deno compile failed";
  return telling.replace(/^(\d+:|error:)\s*/, "").replace(/: client error.*$/, "");
}

/** The name of a target's program in a folder of several. */
export function programName(target: Target): string {
  return join(`nerve-${target}${target.includes("windows") ? ".exe" : ""}`);
}
