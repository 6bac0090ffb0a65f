/** Help, suggestions and completions: what the command line shows to a person who does not know it yet. */
import assert from "node:assert/strict";
import { nerve, proposed } from "../../support/in_process_nerve.ts";

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

Deno.test("a word that is near to no command gets no suggestion, a beginning gets its command", async () => {
  for (
    const [args, near] of [[["blah"], null], [["x"], null], [["reloda"], "reload"], [["perm"], "permissions"]] as const
  ) {
    const { code, err } = await nerve("/", ...args);
    assert.deepEqual([code, /did you mean `(.*)`/.exec(err)?.[1] ?? null], [2, near], args.join(" "));
  }
});

Deno.test("the lists of commands show their usage as the command's own help does", async () => {
  assert.match((await nerve("/", "--help")).out, /^ {2}nerve run \[--for DURATION\] \[--no-watch\]/m);
  assert.match((await nerve("/", "init", "--help")).out, /^ {2}nerve init \[--force\] \[<DIR>\]$/m);
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

Deno.test("for flags before the command the error says to write them after it", async () => {
  for (const args of [["--json", "status"], ["-w", "watch", "status"], ["sense", "--json", "list"]]) {
    const { code, err } = await nerve("/", ...args), flag = args.find((word) => word.startsWith("-"));
    assert.equal(code, 2);
    assert.match(
      err,
      new RegExp(`flags go after the command: nerve COMMAND ${flag}${flag === "-w" ? " DIR" : ""}(\n|")`),
    );
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
