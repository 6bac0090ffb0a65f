/** The command line inside the test's own process. */
import { runCli } from "../../src/cli/app.ts";
import { CapturedIo } from "./captured_io.ts";

export async function nerve(cwd: string, ...argv: string[]) {
  const io = new CapturedIo({ cwd });
  const code = await runCli(argv, io);
  return { code, out: io.out, err: io.err };
}
