/** nerve as a command, for benchmarks that start it: as users have it, or from the clone. */
import { buildForm } from "../support/forms.ts";
import { repository } from "../support/source_files.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";
import { timed } from "./figure.ts";

/** A command that runs nerve. */
export interface Nerve {
  readonly program: string;
  readonly before: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export const cloned: Nerve = {
  program: Deno.execPath(),
  before: ["run", "-A", "--quiet", "--no-prompt", "--cached-only", `${repository}/src/main.ts`],
  env: {},
};

/** Builds one, and starts each of its processes a first time, in which V8 compiles the code and caches the result. */
export async function builtNerve(): Promise<Nerve & AsyncDisposable> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-bench-built-" });
  const nerve = { program: await buildForm("portable", folder), before: [], env: { XDG_CACHE_HOME: folder } };
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: { s: {} }\n",
      "senses/s/index.ts": "export const compute = () => 1;\n",
    });
    for (const args of [["start"], ["sense", "trigger", "s", "--wait"], ["stop"]]) await commandMs(nerve, args, root);
  });
  return { ...nerve, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

export function command({ program, before, env }: Nerve, args: readonly string[], cwd: string): Deno.Command {
  return new Deno.Command(program, { args: [...before, ...args], cwd, env, stdout: "piped", stderr: "null" });
}

/** The duration of `nerve ARGS` in milliseconds. */
export async function commandMs(nerve: Nerve, args: readonly string[], root: string): Promise<number> {
  return await timed(async () => {
    const { success } = await command(nerve, args, root).output();
    if (!success) throw new Error(`nerve ${args.join(" ")} failed`);
  });
}
