/** Debian's programs that tests run. */

/**
 * Whether the program exists. If not, the package is installed: that needs root on Debian or a derivative. A test that
 * is ignored without it names the package in its reason.
 */
export async function hasProgram(program: string, packageName: string): Promise<boolean> {
  if (findProgram(program) !== null) return true;
  if (Deno.uid() === 0 && findProgram("apt-get") !== null && await install(program, packageName)) return true;
  tellIgnored(`${packageName} could not be installed: the tests that need ${program} are ignored`);
  return false;
}

/** Prints why tests are ignored: their own lines have no room for it. */
export function tellIgnored(why: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${why}\n`));
}

/** One test at a time: if two read the package lists at once, both fail, and then both tests would be ignored. */
async function install(program: string, packageName: string): Promise<boolean> {
  using file = await Deno.open("/tmp/nerve-tests-apt.lock", { create: true, write: true });
  await file.lock(true);
  // Another test may have been faster. Others on the machine may use apt, too: it waits for its lock.
  if (findProgram(program) !== null) return true;
  const get = () => apt("install", "--yes", "--no-install-recommends", packageName);
  return (await get() || (await apt("update") && await get())) && findProgram(program) !== null;
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
