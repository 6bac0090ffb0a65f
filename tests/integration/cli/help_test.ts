/** Help, suggestions and completions: what the command line shows to a person who does not know it yet. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { runCli } from "../../../src/cli/app.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { openStore } from "../../../src/store/store.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { aRun } from "../../support/fake_view.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

async function nerve(cwd: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const io = new CapturedIo({ cwd }), code = await runCli(args, io);
  return { code, out: io.out, err: io.err };
}

/** The proposals of a shell for the last word. */
async function proposed(cwd: string, ...words: string[]): Promise<string[]> {
  const { code, out, err } = await nerve(cwd, "__complete", ...words);
  assert.deepEqual([code, err], [0, ""]);
  return out.split("\n").filter((line) => line !== "").map((line) => line.slice(0, line.indexOf("\t")));
}

/** Every command by its words, found as a shell finds them. */
async function commands(words: string[] = []): Promise<string[][]> {
  const { out } = await nerve("/", ...words, "--help");
  if (!/^COMMANDS$/m.test(out)) return [words];
  const below = await proposed("/", ...words, "");
  const inner = await Promise.all(
    below.filter((word) => !word.startsWith("-")).map((word) => commands([...words, word])),
  );
  // A command that is also a folder of commands, such as init.
  return /^FLAGS$[^]*--(force|all)/m.test(out) && words.length > 0 ? [words, ...inner.flat()] : inner.flat();
}

Deno.test("every command has help that says what it does, with an example", async () => {
  const all = await commands();
  assert.ok(all.length >= 20, `${all.length} commands were found`);
  for (const words of all) {
    const { code, out } = await nerve("/", ...words, "--help");
    assert.equal(code, 0, words.join(" "));
    assert.match(out, new RegExp(`EXAMPLES\n {2}.*nerve (${words.join(" ")}|${words.at(-1)})`), words.join(" "));
  }
});

Deno.test("a misspelt command or flag is answered with a suggestion and exit code 2", async () => {
  for (
    const [args, suggested] of [
      [["sens", "list"], "sense"],
      [["sense", "lst"], "list"],
      [["workflow", "inspct", "x"], "inspect"],
      [["events", "--typ", "x"], "--type"],
      [["sense", "list", "--jsn"], "--json"],
    ] as const
  ) {
    const { code, out, err } = await nerve("/", ...args);
    assert.deepEqual([code, out], [2, ""], args.join(" "));
    assert.match(err, new RegExp(`did you mean .*${suggested}`), args.join(" "));
    assert.match(err, /--help/);
    assert.doesNotMatch(err, /^\s+at /m, "no stack");
  }
});

Deno.test("a wrong value of a flag gives exit code 2 and says what is right", async () => {
  for (
    const [args, right] of [
      [["events", "--limit", "few"], /whole number/],
      [["events", "--since", "yesterday"], /5s|10m|duration/],
      [["sense", "query", "x", "--format", "xml"], /table/],
      [["completions", "tcsh"], /bash, zsh, fish/],
    ] as const
  ) {
    const { code, err } = await nerve("/", ...args);
    assert.equal(code, 2, args.join(" "));
    assert.match(err, right);
  }
});

Deno.test("control characters in wrong input are not sent to the terminal", async () => {
  const hostile = "\x1b[2J\x07";
  for (const args of [[hostile], ["sense", hostile], ["status", hostile], ["completions", hostile]]) {
    const { code, err } = await nerve("/", ...args);
    assert.equal(code, 2, err);
    assert.ok(err.includes("\\u001b[2J\\u0007"), err);
    // deno-lint-ignore no-control-regex -- these are what must not be there
    assert.doesNotMatch(err, /[\x1b\x07]/);
  }
});

Deno.test("completions know commands, flags, and the names of senses, workflows and runs", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: this is broken [",
      "senses/disk-usage/index.ts": "",
      "senses/disk-health/index.ts": "",
      "senses/cpu/index.ts": "",
      "workflows/tidy/index.ts": "",
    });
    assert.ok((await proposed(root, "")).includes("sense"));
    assert.deepEqual(await proposed(root, "sense", "que"), ["query"]);
    assert.deepEqual(await proposed(root, "sense", "query", "disk"), ["disk-health", "disk-usage"]);
    assert.deepEqual(await proposed(root, "workflow", "trigger", ""), ["tidy"]);
    assert.deepEqual(await proposed(root, "events", "--ty"), ["--type"]);
    assert.deepEqual(await proposed(root, "completions", "z"), ["zsh"]);
    assert.ok(!(await proposed(root, "workflow", "thread", "")).includes("01RUN"), "nothing has run yet");
    const store = openStore(workspacePaths(root).logDatabase, systemClock);
    const run = aRun({
      runId: "01RUN",
      workflow: "tidy",
      status: "queued",
      exitCode: null,
      startedAt: null,
      endedAt: null,
    });
    await store.runs.create(run, {
      source: "workflow:tidy",
      type: "run.queued",
      refId: "01RUN",
      causeId: null,
      payload: {},
    });
    await store.close();
    assert.deepEqual(await proposed(root, "workflow", "thread", "01"), ["01RUN"]);
    assert.deepEqual(await proposed(root, "why", ""), ["01RUN"]);
  });
});

Deno.test("outside a workspace completions offer what needs none, without an error", async () => {
  assert.ok((await proposed("/", "sense", "query", "")).every((word) => word.startsWith("-")));
  assert.deepEqual(await proposed("/", "sense", "lis"), ["list"]);
});

Deno.test("each shell accepts its completion script, which asks nerve itself", async (t) => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await nerve("/", "completions", shell);
    assert.equal(code, 0);
    assert.match(out, /nerve __complete/);
    const parse = async () => await new Deno.Command(shell, { args: ["-n", "-c", out], stderr: "piped" }).output();
    const accepted = await parse().then(() => true, () => false);
    await t.step({
      name: accepted ? `${shell} -n` : `${shell} is not here`,
      ignore: !accepted,
      fn: async () => assert.equal(new TextDecoder().decode((await parse()).stderr), ""),
    });
  }
});

Deno.test("for flags before the command the error says to write them after it", async () => {
  for (const args of [["--json", "status"], ["-w", "watch", "status"], ["sense", "--json", "list"]]) {
    const { code, err } = await nerve("/", ...args), flag = args.find((word) => word.startsWith("-"));
    assert.equal(code, 2);
    assert.match(err, new RegExp(`flags go after the command: nerve COMMAND ${flag}`));
    assert.doesNotMatch(err, /did you mean/);
  }
});

Deno.test("the usage of run shows the flags that change the default, and accepts every one that it shows", async () => {
  const { out } = await nerve("/", "run", "--help"), [, usage = ""] = out.split("\n");
  assert.equal(usage, "  nerve run [--for DURATION] [--no-watch] [--workspace DIR]");
  for (const [flag] of usage.matchAll(/--[\w-]+/g)) {
    assert.match(out.slice(out.indexOf("FLAGS")), new RegExp(`${flag}\\b`));
  }
});
