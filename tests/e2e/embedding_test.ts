/** nerve inside a program of one's own, as docs/api.md shows it: the example is a file, and it runs. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { long } from "../support/long_form.ts";
import { readSource } from "../support/source_files.ts";
import { nerve } from "../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const files = {
  "nerve.yaml": "senses: { load: {} }\nworkflows: { tidy: {} }\n",
  "senses/load/index.ts": "export const compute = () => ({ load: 0.5 });",
  "workflows/tidy/index.ts": `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({
      roles: { tidy: ({ start }) => ({ content: start.prompt, meta: {} }) },
      moderator: ({ messages }) => messages.length === 0 ? "tidy" : END,
    });`,
};

function example(name: string, root: string): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-prompt", "--cached-only", "--no-check", "-c", file("deno.json")],
      ...[file(`tests/e2e/${name}.ts`), root],
    ],
    stdout: "piped",
    stderr: "piped",
  });
}

async function runExample(root: string): Promise<{ code: number; lines: string[]; errors: string }> {
  const { code, stdout, stderr } = await example("embed_example", root).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, lines: text(stdout).trimEnd().split("\n"), errors: text(stderr) };
}

long.test("the embedding example runs a workspace, receives its events and leaves nothing behind", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, files);
    const { code, lines, errors } = await runExample(root);
    assert.equal(errors, "");
    assert.equal(code, 0);
    assert.deepEqual(lines.slice(0, 1), [`load says {"load":0.5}`]);
    assert.match(lines[1] ?? "", /^run \S+ of tidy is (queued|started)$/);
    assert.match(lines.at(-1) ?? "", /^tidy completed, rounds: 1$/);
  });
});

// The bug was: an embedder skipped every check of grants, and a sense could get write access to nerve.yaml itself.
long.test("the embedding example rejects a grant that nerve itself would reject", async () => {
  await inTempDir(async (root) => {
    const yaml = 'senses: { load: { permissions: { write: ["."] } } }\nworkflows: { tidy: {} }\n';
    await writeWorkspace(root, { ...files, "nerve.yaml": yaml });
    const { code, errors } = await runExample(root);
    assert.equal(code, 1);
    assert.match(errors, /nerve\.yaml:1:\d+ error senses\.load\.permissions\.write\[0\]: write of .* covers/);
  });
});

long.test("the example with the control API obeys nerve stop, and goes on", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, files);
    const child = example("embed_control_example", root).spawn();
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assert.match((await lines.read()).value ?? "", /^nerve status, /);
    const stopped = await nerve(root, "stop");
    assert.deepEqual([stopped.code, stopped.err], [0, ""]);
    assert.match(stopped.out, /stopped the kernel of inbox-server \(pid \d+\), which goes on/);
    assert.equal((await lines.read()).value, "the kernel has stopped, this program goes on\n");
    assert.equal((await child.status).code, 0);
    await Promise.all([lines.cancel(), child.stderr.cancel()]);
  });
});

Deno.test("the examples in docs/api.md are the files that run", () => {
  const shown = [...readSource("docs/api.md").matchAll(/```ts\n(import \{ createKernel[\s\S]*?)```/g)].map(([, text]) =>
    text
  );
  const run = ["embed_example", "embed_control_example"].map((name) =>
    readSource(`tests/e2e/${name}.ts`).replace(/^(?:\/\/.*\n)*/, "").replace("../../src/mod.ts", "./src/mod.ts")
  );
  assert.deepEqual(shown, run);
});
