/** nerve inside a program of one's own, as the README shows it: the example is a file, and it runs. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

Deno.test("the example of embedding runs a workspace, hears its events and leaves nothing behind", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": "senses: { load: {} }\nworkflows: { tidy: {} }\n",
      "senses/load/index.ts": "export const compute = () => ({ load: 0.5 });",
      "workflows/tidy/index.ts": `import { defineWorkflow, END } from "nerve";
        export default defineWorkflow({
          roles: { tidy: ({ start }) => ({ content: start.prompt, meta: {} }) },
          moderator: ({ messages }) => messages.length === 0 ? "tidy" : END,
        });`,
    });
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-prompt",
        "--cached-only",
        "--no-check",
        "-c",
        file("deno.json"),
        file("tests/e2e/embed_example.ts"),
        root,
      ],
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(code, 0);
    assert.deepEqual(lines.slice(0, 1), [`load says {"load":0.5}`]);
    assert.match(lines[1] ?? "", /^run \S+ of tidy is (queued|started)$/);
    assert.match(lines.at(-1) ?? "", /^tidy completed after 1 round$/);
  });
});
