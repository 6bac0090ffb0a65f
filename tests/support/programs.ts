/**
 * Programs that a test writes and then runs. Another process writes them: test files run side by side in this process,
 * and a program that one of them starts inherits every file that another has open for writing, until it executes.
 * Running such a file at that moment fails with "Text file busy".
 */

/** Writes an executable script. Its folder must exist. */
export function writeProgram(path: string, text: string): void {
  const written = `${path}.written`;
  Deno.writeTextFileSync(written, text, { mode: 0o755 });
  copyProgram(written, path);
  Deno.removeSync(written);
}

export function copyProgram(from: string, to: string): void {
  const { success, stderr } = new Deno.Command("cp", { args: ["-p", "--", from, to] }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** Retries after that failure, for nerve's own code that writes and runs a program in this process. */
export async function whileBusy<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof Error && /Text file busy/.test(`${thrown} ${thrown.cause}`))) throw thrown;
    }
  }
}
