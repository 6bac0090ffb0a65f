/**
 * Programs that a test writes and then runs. Another process writes them: test files run side by side in this one, and
 * whatever one of them starts holds every file that another has open for writing until it has become its program. To run
 * such a file in that moment fails as "Text file busy".
 */

/** A script that may be executed. Its folder must be there. */
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

/** For nerve's own code that writes a program and runs it, in this process: it is asked again when that failed so. */
export async function whileBusy<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof Error && /Text file busy/.test(`${thrown} ${thrown.cause}`))) throw thrown;
    }
  }
}
