/**
 * `deno task test [FILE...]`: all tests, or those of some files, two at a time for each processor, since they wait more
 * than they compute. Two things halve what would only be starts:
 * - nerve is staged first, as for a build, and its bundles are the daemon and the command line of the tests
 *   (tests/support/nerve_program.ts).
 * - All unit tests of a room are one module: by themselves 250 files would load the same modules again and again.
 */
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stage } from "../build/stage.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
// An interrupted test run ends by itself; then the folder is removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
const folder = await Deno.makeTempDir({ prefix: "nerve-staged-" });
try {
  await stage(root, folder, null);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-prompt", "--parallel", "--cached-only", "-c", join(root, "deno.json")]
      .concat(Deno.args.length > 0 ? Deno.args : await allTests(join(folder, "unit"))),
    cwd: root,
    env: { DENO_JOBS: String(2 * navigator.hardwareConcurrency), NERVE_STAGED: folder },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Writes the modules of the unit tests into a folder. */
async function allTests(unit: string): Promise<string[]> {
  await Deno.mkdir(unit);
  for (const room of foldersIn(join(root, "tests/unit"))) {
    const tests = [...Deno.readDirSync(room)].filter(({ name }) => name.endsWith("_test.ts")).map(({ name }) => name);
    const imports = tests.sort().map((name) => `import ${JSON.stringify(pathToFileURL(join(room, name)).href)};\n`);
    await Deno.writeTextFile(join(unit, `${basename(room)}_test.ts`), imports.join(""));
  }
  return [...foldersIn(join(root, "tests")).filter((path) => basename(path) !== "unit"), unit];
}

function foldersIn(path: string): string[] {
  return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory).map(({ name }) => join(path, name));
}
