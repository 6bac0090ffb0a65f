/** Runs programs for the build. */

/** Returns the program's stdout. When it fails, throws an Error with the last lines of its stderr. */
export async function runOrFail(
  program: string,
  args: readonly string[],
  options: { readonly cwd: string },
): Promise<string> {
  const { success, stdout, stderr } = await tryRun(program, args, options);
  if (success) return stdout;
  throw new Error(`${program} ${args[0]} failed: ${stderr.trim().split("\n").slice(-10).join("\n")}`);
}

/** Returns the output, and whether the program succeeded. Throws only when it cannot be started. */
export async function tryRun(
  program: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env?: Record<string, string> },
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const command = new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { success, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}
