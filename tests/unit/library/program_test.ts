/** Running a program for a sense, with the real shell as the program. */
import assert from "node:assert/strict";
import { runProgram } from "../../../lib/program.ts";

const { signal } = new AbortController();
const shell = (script: string) => ({ name: "/bin/sh", args: ["-c", script], env: { LC_ALL: "C" } });

Deno.test("runProgram() returns the program's output, without its error output", async () => {
  assert.equal(await runProgram(shell("echo out; echo err >&2"), signal, "sh failed"), "out\n");
  assert.equal(await runProgram(shell('printf %s "$LC_ALL"'), signal, "sh failed"), "C");
});

Deno.test("runProgram() reads nothing from the daemon's standard input", async () => {
  assert.equal(await runProgram(shell("cat"), signal, "cat failed"), "");
});

Deno.test("runProgram() throws the first line of the error output and the one that is the error, or else the exit code", async () => {
  const failed = (script: string) => runProgram(shell(script), signal, "df failed for /a");
  await assert.rejects(failed("echo first >&2; echo second >&2; exit 3"), { message: "df failed for /a: first" });
  const late = "echo 'remote: who?' >&2; echo 'fatal: Authentication failed' >&2; exit 128";
  await assert.rejects(failed(late), { message: "df failed for /a: remote: who?; fatal: Authentication failed" });
  await assert.rejects(failed("echo ignored; exit 3"), { message: "df failed for /a: exit code 3" });
});

Deno.test("runProgram() says that a program does not exist", async () => {
  await assert.rejects(
    runProgram({ name: "/nowhere/df", args: [], env: {} }, signal, "df failed"),
    Deno.errors.NotFound,
  );
});

Deno.test("runProgram() kills a program that never ends when its signal aborts, and throws the reason", async () => {
  const controller = new AbortController(),
    running = runProgram(shell("exec sleep 60"), controller.signal, "sh failed");
  controller.abort(new Error("timed out"));
  await assert.rejects(running, { message: "timed out" });
});

Deno.test("runProgram() ends a program that prints without end, on either stream, instead of keeping it in memory", async () => {
  for (const where of ["", " >&2"]) {
    await assert.rejects(runProgram(shell(`exec yes${where}`), signal, "sh failed"), {
      message: "/bin/sh prints more than 16 MiB",
    });
  }
});
