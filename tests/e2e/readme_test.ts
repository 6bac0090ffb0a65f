/** The README is true: its files make a workspace that does what the text says, its commands exist, its tasks run. */
import assert from "node:assert/strict";
import { loadNerveConfig } from "../../src/config/load.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { createKernel } from "../../src/kernel/kernel.ts";
import type { KernelEvent } from "../../src/protocol/event.ts";
import { dirname, join } from "../support/paths.ts";
import { readSource } from "../support/source_files.ts";
import { within } from "../support/workspace_fixture.ts";

interface Block {
  readonly language: string;
  readonly text: string;
}

const readme = readSource("README.md");
const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  .map(([, language = "", text = ""]) => ({ language, text }));

/** Writes every block that names its file in its first line, a comment of its language. */
function writeFiles(root: string): string[] {
  const written: string[] = [];
  for (const { text } of blocks) {
    const path = /^(?:\/\/|#|--) (\S+\.(?:ts|yaml|sql))\n/.exec(text)?.[1];
    if (path === undefined) continue;
    Deno.mkdirSync(dirname(join(root, path)), { recursive: true });
    Deno.writeTextFileSync(join(root, path), text);
    written.push(path);
  }
  return written;
}

function putFiles(folder: string, count: number): void {
  for (let i = 0; i < count; i++) Deno.writeTextFileSync(join(folder, `file ${i}.txt`), "x");
}

function until(events: AsyncIterable<KernelEvent>, wanted: (event: KernelEvent) => boolean): Promise<void> {
  const look = async () => {
    for await (const event of events) {
      assert.notEqual(event.kind, "problem", JSON.stringify(event));
      if (wanted(event)) return;
    }
    assert.fail("the kernel stopped before it happened");
  };
  return within(look(), "what the README says will happen");
}

Deno.test("the README's files make a workspace that signals and tidies", async () => {
  const root = await Deno.realPath(await Deno.makeTempDir()), inbox = join(root, "inbox");
  assert.deepEqual(writeFiles(root).sort(), [
    "nerve.yaml",
    "senses/inbox/index.ts",
    "senses/inbox/migrations/0001_counts.sql",
    "senses/inbox/schema.ts",
    "workflows/tidy/index.ts",
  ]);
  Deno.mkdirSync(inbox);
  putFiles(inbox, 2);
  const config = await loadNerveConfig(workspacePaths(root));
  assert.ok(config.ok, JSON.stringify(config));
  const kernel = createKernel(config.value.config, root);
  try {
    const signals = kernel.events(), ends = kernel.events();
    await kernel.ready;
    await until(signals, (event) => event.kind === "signal" && JSON.stringify(event.signal.payload) === '{"files":2}');
    putFiles(inbox, 5);
    await until(ends, (event) => event.kind === "run" && event.run.status === "completed");
    assert.deepEqual([...Deno.readDirSync(inbox)], []);
  } finally {
    await kernel.stop();
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("the README's commands are commands, and its tasks are tasks", async () => {
  const tasks = Object.keys(JSON.parse(readSource("deno.json")).tasks);
  for (const [, task = ""] of readme.matchAll(/(?:deno|deno@2\.9\.6) task (\w+)/g)) {
    assert.ok(tasks.includes(task), task);
  }
  const commands = new Set([...readme.matchAll(/`nerve ((?:[a-z]+ ?){1,2})/g)].map(([, words = ""]) => words.trim()));
  assert.ok(commands.size >= 8);
  for (const command of commands) {
    const words = command.split(" ");
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", "src/main.ts", ...words, "--help"],
      cwd: dirname(dirname(import.meta.dirname ?? "")),
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.equal(code, 0, `nerve ${command} --help: ${said}`);
    assert.match(said, new RegExp(words[0] ?? ""));
  }
});

Deno.test("deno task nerve is the command line, from a clone and inside a workspace that it made", async () => {
  const home = await Deno.makeTempDir({ prefix: "nerve task " });
  // Under `deno task test` the variable is there already, and a task inside a task keeps it.
  const { INIT_CWD: _, ...env } = Deno.env.toObject();
  const task = async (cwd: string, ...args: string[]) => {
    const command = new Deno.Command(Deno.execPath(), { args: ["task", ...args], cwd, clearEnv: true, env });
    const { code, stdout, stderr } = await command.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  try {
    const config = join(import.meta.dirname ?? "", "..", "..", "deno.json");
    await task(home, "--config", config, "nerve", "init", "watch");
    assert.match(await task(join(home, "watch"), "nerve", "sense", "list"), /^⚪ {2}cpu-usage /m);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});

Deno.test("the README has the sections that a reader looks for", () => {
  const sections = [...readme.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
  const wanted = ["Start", "Words", "How it works", "Write a sense", "Write a workflow", "Configuration", "Commands"];
  assert.deepEqual(sections.slice(0, wanted.length), wanted);
  assert.ok(!readme.includes("TRANSCRIPT"), "the transcript is a real one");
});
