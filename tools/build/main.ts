/**
 * `deno task build [--portable] [--target TARGET]... [--out FILE]`: makes one executable of nerve, with its SHA-256 sum
 * beside it. Tries `deno compile`; where its runtime cannot be had, says so in one line and makes the portable form.
 * Part of working on nerve: nothing of this room goes into what it builds.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { formatSize } from "../../src/base/duration.ts";
import { messageOf } from "../../src/base/errors.ts";
import { addExtension, buildProgramName, compile } from "./compile.ts";
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

/** What the arguments ask for, or the text that says why they do not. */
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
    const asked = values.target.includes("all") ? [...targets] : values.target;
    const known = targets.filter((target) => asked.includes(target));
    const unknown = asked.find((target) => !known.some((each) => each === target));
    if (unknown !== undefined) return `there is no target ${unknown}\n${usage}`;
    const foreign = known.find((target) => target !== Deno.build.target);
    if (values.portable && foreign !== undefined) {
      return `the portable form holds this machine's own Deno: build it on ${foreign}`;
    }
    return { portable: values.portable, targets: known, out: values.out };
  } catch (thrown) {
    return `${messageOf(thrown)}\n${usage}`;
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

async function main(): Promise<number> {
  const wanted = readArguments(Deno.args);
  if (typeof wanted === "string") {
    say(`❌ ${wanted}`);
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
  const folder = await Deno.makeTempDir({ prefix: "nerve-build-" }), aside = addExtension(`${out}.new`, target);
  try {
    await Deno.mkdir(dirname(out), { recursive: true });
    return await build({ out, aside, folder }, target, portable);
  } catch (thrown) {
    say(`❌ ${out}: ${messageOf(thrown)}`);
    return false;
  } finally {
    await Deno.remove(folder, { recursive: true });
    await Deno.remove(aside).catch((thrown) => {
      // It has become the program, or never came to be.
      if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    });
  }
}

interface Places {
  readonly out: string;
  /** Beside it: what is being made. */
  readonly aside: string;
  /** Empty. */
  readonly folder: string;
}

/** One executable. False when it could not be made. */
async function build({ out, aside, folder }: Places, target: Target | null, portable: boolean): Promise<boolean> {
  const commit = await readCommit(repository);
  if (!portable) {
    await stage(repository, join(folder, "compiled"), { form: "compiled", commit });
    const compiled = await compile(join(folder, "compiled"), aside, target);
    if (compiled.ok) return await finish(aside, addExtension(out, target), "compiled");
    if (!compiled.runtimeMissing) {
      say(`❌ ${basename(out)}: ${compiled.reason}`);
      return false;
    }
    if (target !== null && target !== Deno.build.target) {
      say(`❌ ${basename(out)}: deno compile has no runtime to build on (${compiled.reason})`);
      say(`   Deno's denort for ${target} has to come from DENORT_BIN, Deno's cache or the network`);
      return false;
    }
    say(`⚠️ deno compile has no runtime to build on (${compiled.reason}): building the portable form instead`);
  }
  await stage(repository, join(folder, "portable"), { form: "portable", commit });
  await writePortable(join(folder, "portable"), aside);
  return await finish(aside, out, "portable");
}

/** Puts the finished program in its place, with its sum: what is there is never half of one. */
async function finish(aside: string, out: string, form: string): Promise<true> {
  const bytes = await Deno.readFile(aside);
  const sum = createHash("sha256").update(bytes).digest("hex");
  await Deno.rename(aside, out);
  await Deno.writeTextFile(`${out}.sha256`, `${sum}  ${basename(out)}\n`);
  say(`✅ ${out}: ${form}, ${formatSize(bytes.length)}\n   sha256 ${sum}`);
  return true;
}

if (import.meta.main) Deno.exit(await main());
