/**
 * `deno task test [FILE...]`: all tests, or those of some files, as many at a time as there are processors and one more,
 * since they also wait. Two things halve what would only be starts:
 * - nerve is staged first, as for a build, and its bundles are the daemon and the command line of the tests
 *   (tests/support/nerve_program.ts).
 * - All unit tests of a room are one module, and a few integration tests: by themselves 500 files would load the same
 *   modules again and again.
 * A test that never ends ends the run after `longestMs`: Deno then tells which it was.
 */
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stage } from "../build/stage.ts";

/** Of integration tests in one module, which run one after the other. */
const togetherMax = 4;

const longestMs = 60 * 60_000;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
// An interrupted test run ends by itself; then the folder is removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
const folder = await Deno.makeTempDir({ prefix: "nerve-staged-" });
try {
  await stage(root, folder, null);
  const tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-prompt", "--parallel", "--cached-only", "-c", join(root, "deno.json")]
      .concat(Deno.args.length > 0 ? Deno.args : await allTests(join(folder, "tests"))),
    cwd: root,
    env: { DENO_JOBS: String(1 + navigator.hardwareConcurrency), NERVE_STAGED: folder },
  }).spawn();
  const limit = setTimeout(() => {
    const late = `error: the tests have not ended within ${longestMs / 60_000} minutes\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(late));
    tests.kill("SIGINT");
  }, longestMs);
  Deno.exitCode = (await tests.status).code;
  clearTimeout(limit);
} finally {
  await Deno.remove(folder, { recursive: true });
}

/** Writes the modules of the unit and integration tests into a folder. */
async function allTests(folder: string): Promise<string[]> {
  await Deno.mkdir(folder);
  const rest = foldersIn(join(root, "tests")).filter((path) => !["unit", "integration"].includes(basename(path)));
  for (const room of foldersIn(join(root, "tests/unit"))) {
    await writeModule(join(folder, `unit_${basename(room)}_test.ts`), testsIn(room));
  }
  for (const room of foldersIn(join(root, "tests/integration"))) {
    const isAlone = (path: string) => Deno.readTextFileSync(path).includes("Deno.test.beforeAll(");
    const tests = testsIn(room), together = tests.filter((path) => !isAlone(path));
    for (let at = 0; at < together.length; at += togetherMax) {
      const name = `integration_${basename(room)}_${1 + at / togetherMax}_test.ts`;
      await writeModule(join(folder, name), together.slice(at, at + togetherMax));
    }
    rest.push(...tests.filter(isAlone));
  }
  return [...rest, folder];
}

function testsIn(room: string): string[] {
  const names = [...Deno.readDirSync(room)].map(({ name }) => name).filter((name) => name.endsWith("_test.ts"));
  return names.sort().map((name) => join(room, name));
}

async function writeModule(path: string, tests: readonly string[]): Promise<void> {
  await Deno.writeTextFile(path, tests.map((test) => `import ${JSON.stringify(pathToFileURL(test).href)};\n`).join(""));
}

function foldersIn(path: string): string[] {
  return [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory).map(({ name }) => join(path, name));
}
