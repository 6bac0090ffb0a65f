/** Flags and exit codes that every command shares. */
import assert from "node:assert/strict";
import { buildApplication, run } from "@stricli/core";
import { NerveError } from "../../../src/base/errors.ts";
import { defineCommand, durationFlag, wholeNumberFlag } from "../../../src/cli/command.ts";
import { CapturedIo } from "../../support/captured_io.ts";

/** Calls a command whose body is `body`, with these arguments. */
async function call(body: () => number, ...args: string[]) {
  const io = new CapturedIo({ cwd: "/" });
  const one = defineCommand(
    () => Promise.resolve((_io, _flags: { json: boolean; workspace?: string }) => body()),
    { brief: "Do it" },
    { json: true },
  );
  const process = { stdout: io.stdout, stderr: io.stderr, exitCode: null as number | null };
  await run(buildApplication(one, { name: "nerve" }), args, { process, io });
  return { code: process.exitCode, out: io.out, err: io.err };
}

Deno.test("a command exits with its own code, and an error becomes two lines and the code of its kind", async () => {
  assert.deepEqual(await call(() => 7), { code: 7, out: "", err: "" });
  const fails = () => {
    throw new NerveError("DAEMON_MISSING", "no daemon runs in /w", { hint: "nerve start" });
  };
  const text = await call(fails);
  assert.equal(text.code, 3);
  assert.match(text.err, /^❌ no daemon runs in \/w\n\s+nerve start\n$/);
  const json = await call(fails, "--json");
  assert.equal(json.code, 3);
  assert.equal(JSON.parse(json.out || json.err).error.code, "DAEMON_MISSING");
});

Deno.test("every command has --workspace, and the short -w", async () => {
  for (const flag of ["--workspace", "-w"]) assert.equal((await call(() => 0, flag, "/w")).code, 0);
});

Deno.test("a duration flag takes a duration in milliseconds, and a whole number has a least value", () => {
  const duration = durationFlag("", "DURATION");
  assert.equal(duration.parse("1m30s"), 90_000);
  assert.throws(() => duration.parse("soon"), SyntaxError);
  const number = wholeNumberFlag("", "N", 1);
  assert.equal(number.parse("12"), 12);
  for (const wrong of ["0", "-1", "1.5", "1e3", "", "9007199254740993"]) {
    assert.throws(() => number.parse(wrong), /use a whole number of at least 1/, wrong);
  }
});
