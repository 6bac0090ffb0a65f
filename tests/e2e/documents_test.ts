/**
 * The documents are true: their code compiles, their settings parse, their files make workspaces that load, their
 * commands exist, their links lead somewhere. getting_started_test.ts follows docs/getting-started.md as a reader does.
 */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { runCli } from "../../src/cli/app.ts";
import { formatProblems } from "../../src/config/diagnostic.ts";
import { parseNerveConfig } from "../../src/config/parse.ts";
import { scenarioSchema } from "../../src/protocol/scenario.ts";
import { CapturedIo } from "../support/captured_io.ts";
import { faultOf, programsOf } from "../support/command_lines.ts";
import {
  anchorsOf,
  type Block,
  blocksOf,
  type Document,
  documentPaths,
  inlineCommands,
  libraryReadmes,
  linksOf,
  readDocument,
} from "../support/documents.ts";
import { long } from "../support/long_form.ts";
import { dirname, join, relative } from "../support/paths.ts";
import { readSource, repository, sourceFiles } from "../support/source_files.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";

const documents = documentPaths.map(readDocument);
const blocks = documents.flatMap((document) => document.blocks.map((block) => ({ document, block })));
const manifest = JSON.parse(readSource("deno.json"));

function blocksIn(language: string): { document: Document; block: Block }[] {
  return blocks.filter(({ block }) => block.language === language);
}

Deno.test("every block of code has a kind, so that it is run, checked or treated as output", () => {
  const known = ["ts", "sql", "yaml", "json", "sh", "text", "mermaid"];
  const strange = blocks.filter(({ block }) => !known.includes(block.language));
  assert.deepEqual(strange.map(({ document, block }) => `${document.path}: ${block.text.slice(0, 60)}`), []);
  // The one diagram is compared with the table that it shows, in tests/house/state_diagram_test.ts.
  assert.deepEqual(blocksIn("mermaid").map(({ document }) => document.path), ["docs/workflows.md"]);
  // A migration runs when its workspace is loaded.
  assert.deepEqual(blocksIn("sql").filter(({ block }) => block.file === null), []);
  for (const { block } of blocksIn("json")) JSON.parse(block.text);
});

Deno.test("a file that several documents show is the same in each", () => {
  const seen = new Map<string, string>();
  for (const { document, block } of blocks) {
    if (block.file === null) continue;
    assert.equal(seen.get(block.file) ?? block.text, block.text, `${block.file} in ${document.path}`);
    seen.set(block.file, block.text);
  }
  assert.ok(seen.size > 5);
});

Deno.test("every block of YAML is a nerve.yaml without errors, or a scenario", () => {
  for (const { document, block } of blocksIn("yaml")) {
    if (block.text.startsWith("# scenarios/")) {
      scenarioSchema.parse(parse(block.text));
      continue;
    }
    const parsed = parseNerveConfig(block.text);
    assert.ok(
      parsed.ok,
      parsed.ok ? "" : `${document.path}: ${formatProblems(parsed.error, "text")}\n${block.text}`,
    );
  }
  assert.ok(blocksIn("yaml").length > 8);
});

for (const { path, blocks } of documents.filter(({ blocks }) => blocks.some(({ file }) => file !== null))) {
  (path === "README.md" ? Deno : long).test(`the files of ${path} load in their sandbox`, async () => {
    await inTempDir(async (root) => {
      const files = Object.fromEntries(
        blocks.filter(({ file }) => file !== null).map(({ file, text }) => [file, text]),
      );
      // The settings that the documents' examples require.
      const settingsOf = (code: string) =>
        `{ config: { ${[...code.matchAll(/(\w+): option\.text\(\)/g)].map(([, key]) => `${key}: .`).join(", ")} } }`;
      const units = (kind: string) =>
        Object.keys(files).flatMap((file) => new RegExp(`^${kind}/([^/]+)/index.ts$`).exec(file)?.[1] ?? [])
          .map((name) => `  ${name}: ${settingsOf(files[`${kind}/${name}/index.ts`] ?? "")}\n`).join("");
      const everything = `senses:\n${units("senses")}workflows:\n${units("workflows")}`;
      // What a document takes from the library: the folders that `nerve init` writes.
      assert.equal(await runCli(["init", "."], new CapturedIo({ cwd: root })), 0);
      await writeWorkspace(root, { "nerve.yaml": everything, ...files });
      const io = new CapturedIo({ cwd: root });
      assert.equal(await runCli(["validate", "--no-types"], io), 0, io.out + io.err);
    });
  });
}

/** Programs other than nerve that a reader has. */
const ordinary = /^(alias|cd|curl|deno|git|loginctl|ls|mkdir|mv|npm|npx|sh|source|ssh-keygen|touch)$/;

async function assertRuns(words: readonly string[], where: string): Promise<void> {
  const [program = "", ...args] = words;
  if (program === "nerve") return assert.equal(await faultOf(args), null, `${where}: ${words.join(" ")}`);
  assert.match(program, ordinary, where);
  const task = args[args.indexOf("task") + 1] ?? "";
  if (args.includes("task")) assert.ok(task in manifest.tasks || task.startsWith("-"), `${where}: ${words.join(" ")}`);
}

Deno.test("every line of a shell block is an existing command", async () => {
  let count = 0;
  for (const { document, block } of blocksIn("sh")) {
    for (const words of block.text.trimEnd().split("\n").flatMap(programsOf)) {
      await assertRuns(words, document.path);
      count++;
    }
  }
  assert.ok(count > 100, `${count} commands`);
});

Deno.test("every command and task in running text exists", async () => {
  let count = 0;
  for (const { path, text } of [...documents, ...libraryReadmes.map(readDocument)]) {
    for (const command of inlineCommands(text)) {
      const fault = await faultOf(programsOf(command)[0]?.slice(1) ?? []);
      // A command may be named without its arguments.
      const wrong = fault?.split("\n").filter((line) =>
        line.startsWith("❌") && !/^❌ Expected (argument|input for flag)/.test(line)
      );
      assert.deepEqual(wrong ?? [], [], `${path}: ${command}`);
      count++;
    }
    for (const [, task = ""] of text.matchAll(/`deno task (\w+)/g)) {
      assert.ok(task in manifest.tasks, `${path}: ${task}`);
    }
  }
  assert.ok(count > 100, `${count} commands`);
});

Deno.test("every link leads to an existing file and heading", () => {
  let count = 0;
  for (const { path, text } of [...documents, ...libraryReadmes.map(readDocument)]) {
    for (const link of linksOf(text)) {
      if (/^https:\/\//.test(link)) continue;
      const [file = "", anchor] = link.split("#"),
        target = file === "" ? path : relative(".", join(dirname(path), file));
      assert.ok(Deno.statSync(join(repository, target)).isFile, `${path}: ${link}`);
      if (anchor !== undefined) assert.ok(anchorsOf(readSource(target)).has(anchor), `${path}: ${link}`);
      count++;
    }
  }
  assert.ok(count > 100, `${count} links`);
});

Deno.test("the README has, in this order: what nerve is, a sense, the installation, a first run and links", () => {
  const { text } = readDocument("README.md");
  const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  assert.deepEqual(sections, ["A sense in ten lines", "Install", "First run", "Documents"]);
  assert.ok(text.split("\n").length < 100);
  // With nothing but Node and npm; the gate (.ci/run) runs the second.
  for (const task of ["demo", "test"]) assert.ok(text.includes(`\nnpx -y deno@2.9.6 task ${task}\n`), task);
  assert.match(readSource(".ci/run"), /^npx -y deno@2\.9\.6 task test /m);
});

Deno.test("CONTRIBUTING.md lists every house test", () => {
  const { text } = readDocument("CONTRIBUTING.md");
  assert.deepEqual(sourceFiles(["tests/house"], "_test.ts").filter((path) => !text.includes(`\`${path}\``)), []);
});

Deno.test("the glossary has each word once", () => {
  const words = [...readSource("docs/glossary.md").matchAll(/^\| (?!word |-)([^|]+) \|/gm)].map(([, word]) => word);
  assert.ok(words.length > 50);
  assert.deepEqual(words.filter((word, at) => words.indexOf(word) !== at), []);
});

Deno.test("deno task nerve is the command line, from a clone and inside a workspace that it created", async () => {
  const home = await Deno.makeTempDir({ prefix: "nerve task " });
  // Under `deno task test` the variable is already set, and a task inside a task keeps it.
  const { INIT_CWD: _, ...env } = Deno.env.toObject();
  const task = async (cwd: string, ...args: string[]) => {
    const command = new Deno.Command(Deno.execPath(), { args: ["task", ...args], cwd, clearEnv: true, env });
    const { code, stdout, stderr } = await command.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  try {
    await task(home, "--config", join(repository, "deno.json"), "nerve", "init", "watch");
    assert.match(await task(join(home, "watch"), "nerve", "sense", "list"), /^⚪ {2}cpu-usage /m);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("blocks, commands and links are found in a document", () => {
  const text = "# A b: `c`\n\n## A b: `c`\n[x](y.md#z) `nerve a\nb` `[no](x)`\n```sh\nnerve [no](x)\n```\n";
  assert.deepEqual(blocksOf(text), [{ language: "sh", text: "nerve [no](x)\n", file: null }]);
  assert.deepEqual([...anchorsOf(text)], ["a-b-c", "a-b-c-1"]);
  assert.deepEqual([linksOf(text), inlineCommands(text)], [["y.md#z"], ["nerve a b"]]);
  assert.deepEqual(programsOf(`nerve a "b c" > x | foo && source <(nerve d) # e`), [
    ["nerve", "a", "b c"],
    ["foo"],
    ["nerve", "d"],
    ["source", "/dev/fd/63"],
  ]);
});
