/** The workflow run-command with real programs, in its sandbox. */
import assert from "node:assert/strict";
import { type Config, type Grants, type RunOutcome, TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

async function run(
  grants: Grants,
  config: Config,
  more: { payload?: { arguments: (string | number)[] }; prompt?: string } = {},
): Promise<RunOutcome> {
  await using workflow = new TestWorkflow("run-command", grants);
  return await workflow.run({ config, ...more });
}

const sh = (...script: string[]) => ["sh", "-c", script.join("\n")];

Deno.test("run-command succeeds with the program's exit code, and shows and logs what it printed", async () => {
  const config = { command: sh("echo out; echo err >&2; echo $RUN_ID $IDEMPOTENCY_KEY") };
  const { messages, logs, error } = await run({ run: ["sh"] }, config, { prompt: "it was due" });
  assert.equal(error, null);
  assert.deepEqual(messages.map(({ role }) => role), ["run", "report"]);
  assert.deepEqual(messages[0]?.content.trim().split("\n").sort(), ["err", "out", "run-1 run-1:1"]);
  assert.match(
    messages[1]?.content ?? "",
    /^sh -c .* ended with exit code 0 at attempt 1 \(asked because: it was due\)$/,
  );
  assert.match(logs.join("\n"), /info .*out/);
  const quiet = await run({ run: ["true"] }, { command: ["true"], log_output: false });
  assert.deepEqual([quiet.logs, quiet.messages[0]?.content], [[], "exit code 0, and no output"]);
});

long.test("run-command fails with another exit code, tries again, and knows what counts as success", async () => {
  const failed = await run({ run: ["sh"] }, { command: sh("echo no disk; exit 3"), attempts: 2, retry_delay: "1ms" });
  assert.match(failed.error?.message ?? "", /exit code 3 at attempt 2: no disk$/);
  assert.deepEqual(failed.messages.map(({ meta }) => [meta.attempt, meta.code, meta.again]), [[1, 3, true], [
    2,
    3,
    false,
  ]]);
  const fine = await run({ run: ["sh"] }, { command: sh("exit 3"), success_codes: ["0", "3"] });
  assert.equal(fine.error, null);
  const wrong = await run({ run: ["sh"] }, { command: sh("exit 3"), success_codes: ["ok"] });
  assert.match(wrong.error?.message ?? "", /must hold exit codes/);
});

Deno.test("run-command takes arguments of a start only if they are listed, and nothing of its prompt", async () => {
  const config = { command: ["echo", "-n", "fixed"], allowed_arguments: ["--full", "two words"] };
  const allowed = await run({ run: ["echo"] }, config, {
    payload: { arguments: ["two words", "--full"] },
    prompt: "; rm",
  });
  assert.equal(allowed.messages[0]?.content.trim(), "fixed two words --full");
  for (const argument of ["--fulll", "; reboot", "", 7]) {
    const { error, messages } = await run({ run: ["echo"] }, config, { payload: { arguments: [argument] } });
    assert.match(error?.message ?? "", /allowed_arguments does not have .*: nothing was run/);
    assert.deepEqual(messages, []);
  }
});

long.test("run-command ends a program that takes too long", async () => {
  const { error } = await run({ run: ["sleep"] }, { command: ["sleep", "600"], timeout: "200ms" });
  assert.match(error?.message ?? "", /took longer than 200ms/);
});

long.test("run-command fails with NotCapable without its grant", async () => {
  const { error } = await run({}, { command: ["true"] });
  assert.equal(error?.name, "NotCapable", error?.message);
});
