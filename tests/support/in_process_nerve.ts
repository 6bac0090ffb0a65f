/** The command line inside the test's own process. */
import assert from "node:assert/strict";
import { runCli } from "../../src/cli/app.ts";
import { CapturedIo } from "./captured_io.ts";

export async function nerve(cwd: string, ...argv: string[]) {
  const io = new CapturedIo({ cwd });
  const code = await runCli(argv, io);
  return { code, out: io.out, err: io.err };
}

/** The shell completions for the last word. */
export async function proposed(cwd: string, ...words: string[]): Promise<string[]> {
  const { code, out, err } = await nerve(cwd, "__complete", ...words);
  assert.deepEqual([code, err], [0, ""]);
  return out.split("\n").filter((line) => line !== "").map((line) => line.slice(0, line.indexOf("\t")));
}
