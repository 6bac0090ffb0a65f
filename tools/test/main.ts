/**
 * `deno task test [FILE...]`: runs all tests, or those of some files, as many at a time as there are processors and one
 * more, since tests also wait. `deno task long [PART/PARTS] [FILE...]`: what that leaves out, or a part of it.
 * Two things halve the time that goes into starts:
 * - nerve is staged first, as for a build; the tests use its bundles as their daemon and command line
 *   (tests/support/nerve_program.ts).
 * - Test files are grouped into modules: 500 separate ones would load the same modules again and again, for half a
 *   second of processor time each.
 * A test that never ends ends the run after `longestMs`: Deno then reports which one it was.
 */
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { stage } from "../build/stage.ts";
import { filesOfPart, hasLongForm, longMark, testFiles } from "./files.ts";

/** How many files of a kind form one module and run in sequence. Each file of another kind is its own module. */
const togetherMax: Readonly<Record<string, number>> = { unit: 80, house: 30, integration: 12, faults: 10 };
/** Files that take a minute or more are modules of their own: no other file waits for them. */
const lengthy = [
  "tests/house/types_test.ts",
  "tests/faults/kills/storm_test.ts",
  "tests/faults/workflows/gate_test.ts",
];

const longestMs = 60 * 60_000;

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const isLong = Deno.args[0] === "--long", args = Deno.args.slice(isLong ? 1 : 0);
const part = isLong && /^\d+\/\d+$/.test(args[0] ?? "") ? args.shift() : undefined;
let tests: Deno.ChildProcess | null = null, isInterrupted = false;
// Interrupted tests end on their own; then the folder is removed.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    isInterrupted = true;
    interrupt();
  });
}
const folder = await Deno.makeTempDir({ prefix: "nerve-staged-" });
try {
  await stage(root, folder, null);
  Deno.exitCode = isInterrupted ? 130 : await run(args.length > 0 ? args : await chosenTests(join(folder, "tests")));
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function run(files: readonly string[]): Promise<number> {
  tests = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--no-prompt", "--parallel", "--cached-only", "-c", join(root, "deno.json")]
      .concat(isLong ? ["--filter", `/${longMark.replace(/[()]/g, "\\$&")}$/`] : [], files),
    cwd: root,
    env: {
      ...{ DENO_JOBS: String(1 + navigator.hardwareConcurrency), NERVE_STAGED: folder },
      ...(isLong ? { NERVE_LONG: "1" } : {}),
    },
  }).spawn();
  const limit = setTimeout(() => {
    const late = `error: the tests have not ended within ${longestMs / 60_000} minutes\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(late));
    interrupt();
  }, longestMs);
  const { code } = await tests.status;
  clearTimeout(limit);
  return code;
}

function interrupt(): void {
  try {
    tests?.kill("SIGINT");
  } catch (thrown) {
    // The test process has ended already.
    if (!(thrown instanceof TypeError || thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** All tests or those of the long form, with the modules of the grouped files, which it writes into `folder`. */
async function chosenTests(folder: string): Promise<string[]> {
  await Deno.mkdir(folder);
  const all = testFiles(root), read = (file: string) => Deno.readTextFileSync(join(root, file));
  const long = isLong ? all.filter((file) => hasLongForm(read(file))) : all;
  const alone: string[] = [], kinds = new Map<string, string[]>();
  for (const file of part === undefined ? long : filesOfPart(long, part)) {
    const [, kind = ""] = file.split("/");
    if (!(kind in togetherMax) || lengthy.includes(file)) alone.push(file);
    else kinds.set(kind, [...kinds.get(kind) ?? [], file]);
  }
  for (const [kind, files] of kinds) {
    const size = togetherMax[kind] ?? 1;
    for (let at = 0; at < files.length; at += size) {
      await writeModule(join(folder, `${kind}_${1 + at / size}_test.ts`), files.slice(at, at + size));
    }
  }
  return [...alone, folder];
}

async function writeModule(path: string, files: readonly string[]): Promise<void> {
  const imports = files.map((file) => `import ${JSON.stringify(pathToFileURL(join(root, file)).href)};\n`);
  await Deno.writeTextFile(path, imports.join(""));
}
