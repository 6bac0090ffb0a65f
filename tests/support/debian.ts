/** Programs that tests run, and that come from Debian. */

/**
 * Whether the program is there. Where it is not, the package is installed: that needs root on Debian or a child of it.
 * A test that is ignored without it names the package in its reason.
 */
export async function hasProgram(program: string, packageName: string): Promise<boolean> {
  if (findProgram(program) !== null) return true;
  if (Deno.uid() !== 0 || findProgram("apt-get") === null) return false;
  // Several tests may be at it: apt waits for its lock.
  const install = () => apt("install", "--yes", "--no-install-recommends", packageName);
  if (await install() || (await apt("update") && await install())) return findProgram(program) !== null;
  const message = `${packageName} could not be installed: the tests that need ${program} are ignored\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(message));
  return false;
}

function findProgram(name: string): string | null {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    try {
      const path = `${folder}/${name}`;
      if (folder !== "" && Deno.statSync(path).isFile) return path;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

async function apt(...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command("apt-get", {
    args: ["--quiet", "-o", "DPkg::Lock::Timeout=300", ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  return success;
}
