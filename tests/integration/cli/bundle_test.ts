/** `nerve bundle`: nothing of a run's story is missing, and a file that was cut is found. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { long } from "../../support/long_form.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";

const options = {
  yaml: { workflows: { parent: {}, child: {} }, senses: { a: {} } },
  senses: { a: "export const compute = () => ({ workflow: { name: 'parent', prompt: 'go' } });" },
  workflows: {
    parent: `import { children, defineWorkflow, END, gate } from "nerve";
      export default defineWorkflow({
        roles: { ask: gate({ title: "Go?" }), kids: children(() => [{ workflow: "child", prompt: "1" }, { workflow: "child", prompt: "2" }]) },
        moderator: ({ messages }) => (["ask", "kids"] as const)[messages.length] ?? END,
      });`,
    child: `import { defineWorkflow, END } from "nerve";
      export default defineWorkflow({
        roles: { one: ({ start }) => ({ content: start.prompt, meta: {} }) },
        moderator: ({ messages }) => (messages.length === 0 ? "one" : END),
      });`,
  },
};

type Fields = Readonly<Record<string, unknown>>;
interface Line extends Readonly<Partial<Record<"row" | "run" | "message" | "child" | "approval", Fields>>> {
  readonly kind: string;
  readonly runId?: string;
  readonly format?: number;
}

/** The lines, after the digest of the last one was checked. */
function read(file: string): Line[] {
  const text = Deno.readTextFileSync(file), all = text.trimEnd().split("\n"), last = JSON.parse(all.at(-1) ?? "");
  const before = all.slice(0, -1).map((line) => `${line}\n`);
  assert.deepEqual(last, {
    kind: "end",
    lines: before.length,
    sha256: createHash("sha256").update(before.join("")).digest("hex"),
  });
  return before.map((line) => JSON.parse(line));
}

Deno.test("a bundle holds the causes, rows, messages, requests and children of a run, and appears whole", async () => {
  await using served = await serveWorkspace(options);
  const { workspace } = served, file = `${workspace.root}/story.jsonl`;
  assert.equal((await served.nerve("sense", "trigger", "a", "--wait")).code, 0);
  const { run: { runId } } = await workspace.run("waiting");
  const [asked] = JSON.parse((await served.nerve("approvals", "--json")).out).items;
  assert.equal((await served.nerve("approve", asked.id)).code, 0);
  assert.equal((await served.nerve("workflow", "follow", runId)).code, 0);
  for (const isRunning of [true, false]) {
    if (!isRunning) await served.stop();
    const { code, err } = await served.nerve("bundle", runId, "--out", file, ...isRunning ? [] : ["--force"]);
    assert.deepEqual([code, err], [0, ""]);
    const lines = read(file), of = (kind: string) => lines.filter((line) => line.kind === kind);
    assert.deepEqual([lines[0]?.kind, lines[0]?.format, lines[0]?.runId], ["bundle", 1, runId]);
    assert.deepEqual(of("cause").map(({ row }) => row?.type), ["sense.triggered", "sense.directive"]);
    assert.deepEqual(of("run").map(({ run }) => [run?.runId, run?.status]), [
      [runId, "completed"],
      [`${runId}.2.1`, "completed"],
      [`${runId}.2.2`, "completed"],
    ]);
    assert.deepEqual(of("message").map(({ runId, message }) => [runId, message?.round, message?.role]), [
      [runId, 1, "ask"],
      [runId, 2, "kids"],
      [`${runId}.2.1`, 1, "one"],
      [`${runId}.2.2`, 1, "one"],
    ]);
    assert.deepEqual(of("child").map(({ child }) => child?.runId), [`${runId}.2.1`, `${runId}.2.2`]);
    assert.deepEqual(of("approval").map(({ approval }) => [approval?.id, approval?.state]), [[asked.id, "approved"]]);
    const types = new Set(of("row").map(({ row }) => row?.type));
    for (const type of ["run.started", "run.waiting", "run.completed"]) assert.ok(types.has(type), type);
  }
  assert.deepEqual([...Deno.readDirSync(workspace.root)].filter(({ name }) => name.includes(".new")), []);
  const again = await served.nerve("bundle", runId, "--out", file);
  for (const place of ["/dev/stdout", workspace.root]) {
    const refused = await served.nerve("bundle", runId, "--out", place, "--force");
    assert.deepEqual([refused.code, /is not a file/.test(refused.err)], [2, true], refused.err);
  }
  assert.deepEqual([again.code, /exists\n.*--force/.test(again.err)], [2, true], again.err);
});

long.test("a thread of several pages is in a bundle whole, oldest message first", async () => {
  const long = `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({
      roles: { say: ({ messages }) => ({ content: String(messages.length).padEnd(900_000, "x"), meta: {} }) },
      moderator: ({ messages }) => (messages.length < 40 ? "say" : END),
    });`;
  await using served = await serveWorkspace({ workflows: { long } });
  const file = `${served.workspace.root}/story.jsonl`;
  const started = await served.nerve("workflow", "trigger", "long", "--id", "r", "--wait");
  assert.equal(started.code, 0, started.err);
  assert.equal((await served.nerve("bundle", "r", "--out", file)).code, 0);
  const rounds = read(file).flatMap(({ message }) => message === undefined ? [] : [Number(message.round)]);
  assert.deepEqual(rounds, Array.from({ length: 40 }, (_, n) => n + 1));
});
