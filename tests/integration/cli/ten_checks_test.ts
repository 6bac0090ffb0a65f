/**
 * Ten checks of three kinds are thirty lines of nerve.yaml: the ones that docs/configuration.md shows. They load, and they
 * compute: here against servers of this machine, since the hosts of the document are examples.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const documentUrl = new URL("../../../docs/configuration.md", import.meta.url);

async function readLines(): Promise<string> {
  const text = await Deno.readTextFile(documentUrl);
  return /Ten checks of three kinds:\n\n```yaml\n([^]*?)```/.exec(text)?.[1] ?? "";
}

/** Entries that somebody pastes lack their code: `sense add` brings it, and adds none. */
async function bringCode(root: string): Promise<void> {
  for (const name of ["http-check", "port-check", "disk-usage"]) {
    assert.match((await nerve(root, "sense", "add", name)).out, /use it: nothing was added/);
  }
}

long.test("ten checks of three kinds need thirty lines, and load in their sandboxes", async () => {
  const block = await readLines(), lines = block.trim().split("\n").length;
  assert.ok(lines > 20 && lines <= 30, `${lines} lines`);
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": block });
    await bringCode(root);
    assert.equal(await Deno.readTextFile(join(root, "nerve.yaml")), block);
    const { code, out } = await nerve(root, "validate", "--format", "json");
    const { errors, problems } = JSON.parse(out);
    assert.deepEqual([code, errors], [0, 0], JSON.stringify(problems));
    const { items } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    const uses = Map.groupBy(items as { use: string }[], ({ use }) => use);
    assert.deepEqual([...uses].map(([use, { length }]) => [use, length]), [
      ["http-check", 4],
      ["port-check", 3],
      ["disk-usage", 3],
    ]);
  });
});

long.test("each of the ten checks says what is wrong, and nothing is wrong with the others", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    return new Response(null, { status: url.endsWith("/health") ? 503 : 200 });
  });
  const host = `127.0.0.1:${server.addr.port}`, closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `127.0.0.1:${closed.addr.port}`;
  closed.close();
  const block = (await readLines()).replaceAll(/https:\/\/\w+\.example\.com/g, `http://${host}`)
    .replaceAll(/\w+\.example\.com:443/g, host).replaceAll("10.0.0.6:25", nobody).replaceAll(/10\.0\.0\.\d:\d+/g, host)
    .replaceAll(/(?<=path: )\/(?:srv|home)\b/g, "/tmp").replaceAll(/threshold: [\d.]+/g, "threshold: 1");
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": block });
    await bringCode(root);
    const saying: Record<string, RegExp> = { api: /status 503 instead of/, "mail-port": /Connection refused/ };
    const names = [...block.matchAll(/^ {2}([\w-]+): \{ use:/gm)].map(([, name = ""]) => name);
    assert.equal(names.length, 10);
    for (const name of names) {
      const { code, out, err } = await nerve(root, "sense", "trigger", name, "--dry");
      assert.equal(code, 0, `${name}: ${out}${err}`);
      assert.match(out, saying[name] ?? /"ok":true|"used":1,|returned null/, name);
    }
  });
});
