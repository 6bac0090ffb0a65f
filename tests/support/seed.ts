/**
 * Seeds of random tests, and how to repeat a failed one: NERVE_SEED=N gives the tests of a run the same values again.
 */
import { type Form, isLong } from "./long_form.ts";
import { fromFileUrl, relative } from "./paths.ts";
import { repository } from "./source_files.ts";

const requested = Deno.env.get("NERVE_SEED");

/** Null when no seed was requested. */
export const askedSeed: number | null = requested === undefined ? null : Number(requested);

export function randomSeed(): number {
  return askedSeed ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/** How often a fault test runs, each time with another seed: once in the gate, more often in `deno task waits`. */
const rounds = Number(Deno.env.get("NERVE_ROUNDS") ?? 1);

/** A test of random faults. Every failure, including a wait that takes too long, names the seed. */
export function faultTest(name: string, test: (seed: number) => Promise<void>, form: Form = Deno): void {
  const file = testFile();
  form.test(name, () => playRounds(test, rounds, file));
}

export async function playRounds(test: (seed: number) => Promise<void>, count: number, file: string): Promise<void> {
  for (let round = 1; round <= count; round++) {
    const seed = randomSeed();
    try {
      await test(seed);
    } catch (cause) {
      throw new Error(`round ${round} of ${count} failed. ${repeatedBy(seed, file)}`, { cause });
    }
  }
}

/** The command that repeats a failure, for its message. */
export function repeatedBy(seed: number, file: string = testFile()): string {
  return `Repeat it: ${isLong ? "NERVE_LONG=1 " : ""}NERVE_SEED=${seed} deno test -A --no-prompt ${file}`;
}

/** The calling test's file, relative to the root of the repository. */
function testFile(): string {
  // Where test files are grouped into one module, the main module is not the test's own (tools/test/main.ts).
  const [file = Deno.mainModule] = /file:[^\s()]*_test\.ts/.exec(new Error().stack ?? "") ?? [];
  return relative(repository, fromFileUrl(file));
}

/** Numbers from 0 up to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
