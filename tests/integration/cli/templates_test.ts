/** `nerve init sense` and `nerve init workflow`: the templates they write, and the lines that they add to nerve.yaml. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nerve } from "../../support/in_process_nerve.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const yaml = (root: string) => Deno.readTextFile(join(root, "nerve.yaml"));

scaled.test("init sense and init workflow write templates and their lines, which pass validate, types included", async () => {
  await inTempDir(async (root) => {
    await nerve(root, "init", ".");
    await writeWorkspace(root, { "nerve.yaml": "# mine\nsenses: {}   # none yet\n" });
    for (const folder of ["senses", "workflows"]) await Deno.remove(join(root, folder), { recursive: true });
    const sense = await nerve(root, "init", "sense", "queue-length");
    assert.deepEqual([sense.code, sense.err], [0, ""]);
    assert.match(
      sense.out,
      /wrote senses\/queue-length\/index\.ts.*\n✅ added its lines at nerve\.yaml:3\n👉 nerve validate\n/,
    );
    assert.equal((await nerve(root, "init", "workflow", "tidy")).code, 0);
    const valid = await nerve(root, "validate", ...isLong ? [] : ["--no-types"]);
    assert.deepEqual([valid.code, valid.out], [0, "✅ 1 sense, 1 workflow: no problems\n"]);
    assert.equal(
      await yaml(root),
      `# mine
senses:   # none yet
  queue-length:
    config: { threshold: 50 }

reflexes:
  - { sense: queue-length, interval: 10s }

workflows:
  tidy: { concurrency: 1, overflow: queue }
`,
    );
  });
});

Deno.test("an entry that is there already stays; a folder that is there, or a wrong file, is refused and unchanged", async () => {
  await inTempDir(async (root) => {
    const text = "senses: { queue-length: { throttle: 1m }, 5: {} }\n";
    await writeWorkspace(root, { "nerve.yaml": text });
    assert.match((await nerve(root, "init", "sense", "queue-length")).out, /✅ its lines are at nerve\.yaml:1\n/);
    const again = await nerve(root, "init", "sense", "queue-length");
    assert.deepEqual([again.code, /already exists/.test(again.err)], [1, true]);
    const bad = await nerve(root, "init", "sense", "Queue_Length");
    assert.deepEqual([bad.code, /queue-length/.test(bad.err)], [2, true]);
    assert.equal(await yaml(root), text);
    assert.equal((await nerve(root, "init", "workflow", "123")).code, 0);
    assert.match(await yaml(root), /workflows:\n {2}"123": \{/);

    await writeWorkspace(root, { "nerve.yaml": "senses: { a: { throttel: 1s } }\n" });
    assert.match((await nerve(root, "init", "sense", "other")).err, /nerve\.yaml has 1 error: nothing was added/);
    await assert.rejects(Deno.stat(join(root, "senses", "other")), Deno.errors.NotFound);
    await writeWorkspace(root, { "nerve.yaml": "senses: { a: { config: { list: &x [] } } }\nreflexes: *x\n" });
    const styled = await nerve(root, "init", "sense", "other");
    assert.match(styled.out, /add to nerve\.yaml, [^]*- \{ sense: other, interval: 10s \}/);
    assert.equal(styled.code, 1);
  });
});
