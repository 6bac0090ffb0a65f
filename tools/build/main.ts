/**
 * `deno task build [--portable] [--target TARGET]... [--out FILE]`: builds one executable of nerve and writes its
 * SHA-256 checksum beside it. Tries `deno compile`; if its runtime is not available, prints one line about it and
 * builds the portable form. A development tool: nothing in this folder goes into the executable.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatSize } from "../../src/base/duration.ts";
import { messageOf } from "../../src/base/errors.ts";
import { addExtension, buildProgramName, checkRuntime, compile } from "./compile.ts";
import { type Target, targets } from "./executable.ts";
import { writePortable } from "./portable.ts";
import { readCommit, stage } from "./stage.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const usage = `usage: deno task build [--portable] [--target TARGET | all]... [--out FILE]
targets: ${targets.join(", ")}`;

interface Wanted {
  readonly portable: boolean;
  readonly targets: readonly Target[];
  readonly out: string;
}

/** Parses the arguments. Returns a text that describes the mistake, if there is one. */
export function readArguments(args: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        portable: { type: "boolean", default: false },
        target: { type: "string", multiple: true, default: [] },
        out: { type: "string", default: "dist/nerve" },
      },
    });
    const requested = values.target.includes("all") ? [...targets] : values.target;
    const known = targets.filter((target) => requested.includes(target));
    const unknown = requested.find((target) => !known.some((each) => each === target));
    if (unknown !== undefined) return `there is no target ${unknown}\n${usage}`;
    const foreign = known.find((target) => target !== Deno.build.target);
    if (values.portable && foreign !== undefined) {
      return `the portable form contains this machine's own Deno: build it on ${foreign}`;
    }
    return { portable: values.portable, targets: known, out: values.out };
  } catch (thrown) {
    return `${messageOf(thrown)}\n${usage}`;
  }
}

function printLine(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  const wanted = readArguments(Deno.args);
  if (typeof wanted === "string") {
    printLine(`❌ ${wanted}`);
    return 2;
  }
  const out = resolve(wanted.out);
  const several = wanted.targets.length > 1;
  let failed = false;
  for (const target of wanted.targets.length === 0 ? [null] : wanted.targets) {
    const file = several && target !== null ? join(dirname(out), buildProgramName(target)) : out;
    if (!await tryToBuild(file, target, wanted.portable)) failed = true;
  }
  return failed ? 1 : 0;
}

async function tryToBuild(out: string, target: Target | null, portable: boolean): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-build-" }), temporary = addExtension(`${out}.new`, target);
  try {
    await Deno.mkdir(dirname(out), { recursive: true });
    return await build({ out, temporary, folder }, target, portable);
  } catch (thrown) {
    printLine(`❌ ${out}: ${messageOf(thrown)}`);
    return false;
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(temporary).catch((thrown) => {
      // It was renamed to the finished program, or never written.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }
}

interface Places {
  readonly out: string;
  /** The unfinished program, in the same folder as `out`. */
  readonly temporary: string;
  /** An empty folder for staging. */
  readonly folder: string;
}

/** Builds one executable. False when that fails. */
async function build({ out, temporary, folder }: Places, target: Target | null, portable: boolean): Promise<boolean> {
  const commit = await readCommit(repository);
  if (!portable) {
    const probed = join(folder, "probe");
    await Deno.mkdir(probed);
    const runtime = await checkRuntime(probed, target);
    if (runtime.ok) {
      await stage(repository, join(folder, "compiled"), { form: "compiled", commit });
      const compiled = await compile(join(folder, "compiled"), temporary, target);
      if (compiled.ok) return await finish(temporary, addExtension(out, target), "compiled");
      printLine(`❌ ${basename(out)}: ${compiled.reason}`);
      return false;
    }
    if (target !== null && target !== Deno.build.target) {
      printLine(`❌ ${basename(out)}: deno compile has no runtime to build on (${runtime.reason})`);
      printLine(`   it needs Deno's denort for ${target} from DENORT_BIN, Deno's cache or the network`);
      return false;
    }
    printLine(`⚠️ deno compile has no runtime to build on (${runtime.reason}): building the portable form instead`);
  }
  await stage(repository, join(folder, "portable"), { form: "portable", commit });
  await writePortable(join(folder, "portable"), temporary);
  return await finish(temporary, out, "portable");
}

/** Renames the finished program to `out`, so that it is never half written there, and writes its checksum. */
async function finish(temporary: string, out: string, form: string): Promise<true> {
  const bytes = await Deno.readFile(temporary);
  const sum = createHash("sha256").update(bytes).digest("hex");
  await Deno.rename(temporary, out);
  await Deno.writeTextFile(`${out}.sha256`, `${sum}  ${basename(out)}\n`);
  printLine(`✅ ${out}: ${form}, ${formatSize(bytes.length)}\n   sha256 ${sum}`);
  return true;
}

if (import.meta.main) Deno.exit(await main());
