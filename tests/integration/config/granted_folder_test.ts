/** Links inside granted folders: what they make reachable for the sandbox is reported beforehand. */
import assert from "node:assert/strict";
import { formatProblems } from "../../../src/config/diagnostic.ts";
import { loadNerveConfig } from "../../../src/config/load.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { join } from "../../support/paths.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** The problems of a sense with `permissions`, in a workspace with a folder `files` that `link` has prepared. */
async function problemsOf(permissions: string, link: (root: string) => void): Promise<string> {
  let text = "";
  await inTempDir(async (root) => {
    await writeWorkspace(root, {
      "nerve.yaml": `senses: { a: { permissions: ${permissions} } }`,
      "senses/a/index.ts": "export const compute = () => null;",
      "files/inside/x": "x",
      "other/secret": "s",
    });
    link(root);
    const loaded = await loadNerveConfig(workspacePaths(root));
    text = formatProblems(loaded.ok ? loaded.value.warnings : loaded.error, "text");
  });
  return text;
}

Deno.test("a link out of a granted folder is a warning; one that stays inside or is broken is not", async () => {
  const out = await problemsOf(
    "{ read: [files] }",
    (root) => Deno.symlinkSync("../../other", join(root, "files/inside/out")),
  );
  assert.match(
    out,
    /warning senses\.a\.permissions\.read\[0\]: read of ".*files" reaches outside: the link "inside\/out" leads to ".*other"/,
  );
  const inside = await problemsOf("{ read: [files] }", (root) => {
    Deno.symlinkSync("inside/x", join(root, "files/current"));
    Deno.symlinkSync("nowhere", join(root, "files/broken"));
  });
  assert.doesNotMatch(inside, /link/);
});

Deno.test("a link through which the sandbox could write nerve's own files is an error, other links are warnings", async () => {
  const toSenses = await problemsOf(
    "{ write: [files] }",
    (root) => Deno.symlinkSync("../senses", join(root, "files/code")),
  );
  assert.match(
    toSenses,
    /error senses\.a\.permissions\.write\[0\]: write of .* covers the code of senses.* through the link "code"/,
  );
  const toRoot = await problemsOf("{ write: [files] }", (root) => Deno.symlinkSync("/", join(root, "files/all")));
  assert.match(toRoot, /error .*through the link "all"/);
  const elsewhere = await problemsOf(
    "{ write: [files] }",
    (root) => Deno.symlinkSync("../other", join(root, "files/o")),
  );
  assert.match(elsewhere, /warning .*write of .* reaches outside/);
});

Deno.test("Deno follows a link out of a granted folder, which is the reason for the warning; Landlock does not", async () => {
  await inTempDir(async (outside) => {
    await writeWorkspace(outside, { secret: "read through a link" });
    await using workspace = await startWorkspace({
      yaml: { senses: { a: { permissions: { read: ["files"] } } } },
      senses: { a: "export const compute = () => Deno.readTextFileSync('files/link/secret');" },
      files: { "files/x": "x" },
    });
    Deno.symlinkSync(outside, join(workspace.root, "files/link"));
    if (systemIsolation().landlock === 0) assert.equal(await workspace.payload("a"), "read through a link");
    else assert.match((await workspace.failure("a")).message, /PermissionDenied/);
  });
});

Deno.test("a module counts by its real path: a link in a sense's folder imports nothing from outside", async () => {
  await inTempDir(async (outside) => {
    await writeWorkspace(outside, { "module.ts": "export const leaked = 1;" });
    await using workspace = await startWorkspace({
      yaml: { senses: { a: {}, b: {} } },
      senses: {
        a: "export const compute = async () => (await import('./link/module.ts')).leaked;",
        b: "import { leaked } from './link/module.ts'; export const compute = () => leaked;",
      },
    });
    for (const name of ["a", "b"]) Deno.symlinkSync(outside, join(workspace.root, "senses", name, "link"));
    for (const name of ["a", "b"]) {
      const { message } = await workspace.failure(name);
      assert.match(message, /link\/module\.ts('? failed.*Permission denied| cannot be imported in the sandbox)/, name);
    }
  });
});
