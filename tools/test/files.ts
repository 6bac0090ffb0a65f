/** Which files `deno task test` and `deno task long` run. Paths are from the repository's root. */
import { join } from "node:path";

/** The end of the name of each test of the long form (tests/support/long_form.ts); the runner finds them by it. */
export const longMark = " (long form)";

/** All test files, sorted. */
export function testFiles(root: string, below = "tests"): string[] {
  return [...Deno.readDirSync(join(root, below))].flatMap(({ name, isDirectory }) =>
    isDirectory ? testFiles(root, `${below}/${name}`) : name.endsWith("_test.ts") ? [`${below}/${name}`] : []
  ).sort();
}

/** Whether a test file leaves something out of the gate. */
export function hasLongForm(text: string): boolean {
  return /from ".*\/(?:long_form|attack_tests)\.ts"/.test(text);
}

/** The files of a part, such as `2/4`: dealt out like cards, since neighbours take about as long. */
export function filesOfPart(files: readonly string[], part: string): string[] {
  const [, nth, of] = /^([1-9]\d?)\/([1-9]\d?)$/.exec(part)?.map(Number) ?? [];
  if (nth === undefined || of === undefined || nth > of) throw new Error(`no part of the long form: ${part}`);
  return files.filter((_, at) => at % of === nth - 1);
}
