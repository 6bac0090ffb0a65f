/** The parts of the build that are plain functions: arguments, the archive, the header, the staged deno.json. */
import assert from "node:assert/strict";
import fc from "fast-check";
import manifest from "../../../deno.json" with { type: "json" };
import { compileArguments, targets } from "../../../src/build/compile.ts";
import { readArguments } from "../../../src/build/main.ts";
import { headerText } from "../../../src/build/portable.ts";
import { stagedManifest } from "../../../src/build/stage.ts";
import { tarChunks } from "../../../src/build/tar.ts";

Deno.test("deno compile gets every permission, no prompt, the worker's entry, the library, and no network", () => {
  const args = compileArguments("/out/nerve", "aarch64-apple-darwin"), text = args.join(" ");
  assert.equal(args[0], "compile");
  for (const flag of ["-A", "--no-prompt", "--no-remote", "--no-lock", "-c deno.json", "--output /out/nerve"]) {
    assert.ok(text.includes(flag), flag);
  }
  for (const path of ["src/worker/bootstrap.ts", "src/sdk/mod.ts", "src", "lib", "senses", "workflows"]) {
    assert.ok(text.includes(`--include ${path} `), path);
  }
  assert.ok(text.includes("--target aarch64-apple-darwin"));
  assert.ok(!compileArguments("/out/nerve", null).includes("--target"));
  // Anything after the module would be an argument of the program.
  assert.equal(args.at(-1), "src/main.ts");
});

Deno.test("the build's own arguments are checked", () => {
  assert.deepEqual(readArguments([]), { portable: false, targets: [], out: "dist/nerve" });
  assert.deepEqual(readArguments(["--target", "all"]), { portable: false, targets: [...targets], out: "dist/nerve" });
  const foreign = targets.find((target) => target !== Deno.build.target) ?? "";
  assert.match(String(readArguments(["--portable", "--target", foreign])), /build it on /);
  assert.match(String(readArguments(["--target", "amiga"])), /no target amiga\nusage/);
  assert.match(String(readArguments(["--fast"])), /--fast[^]*usage/);
});

Deno.test("the staged deno.json leads to vendored modules only, closes what the clone's closes, and keeps npm names for editors", () => {
  const staged = stagedManifest({ zod: "./src/vendor/zod.js" });
  const imports = staged.imports as Record<string, string>;
  assert.ok(Object.values(imports).every((target) => target.startsWith("./src/")));
  assert.equal(imports["node:vm"], manifest.imports["node:vm"]);
  assert.deepEqual(staged.scopes, { "./src/": manifest.scopes["./src/"] });
  assert.deepEqual(staged.unstable, manifest.unstable);
  assert.equal(Object(staged.editorImports)["drizzle-orm"], manifest.imports["drizzle-orm"]);
});

Deno.test("the header says where the archive begins", () => {
  const header = headerText({ hash: "0123456789abcdef", version: "1.2.3", target: "x" });
  assert.match(header, /^#!\/bin\/sh\n# nerve 1\.2\.3 for x/);
  assert.ok(!/@[A-Z]+@/.test(header));
  const offset = Number(/^offset=(\d+)$/m.exec(header)?.[1]);
  assert.equal(offset, new TextEncoder().encode(header).length + 1);
});

Deno.test("tar reads back every archive, with long paths, and the same content gives the same bytes", async () => {
  const name = fc.stringMatching(/^[a-z0-9_-]{1,40}$/);
  const file = fc.record({
    path: fc.array(name, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/")),
    bytes: fc.uint8Array({ maxLength: 1_500 }),
    executable: fc.boolean(),
  });
  const files = fc.uniqueArray(file, { maxLength: 5, selector: ({ path }) => path.split("/")[0] });
  await fc.assert(
    fc.asyncProperty(files, async (each) => {
      const folder = await Deno.makeTempDir();
      try {
        const archive = new Uint8Array(await new Blob([...tarChunks(each)]).arrayBuffer());
        assert.deepEqual(new Uint8Array(await new Blob([...tarChunks(each)]).arrayBuffer()), archive);
        await Deno.writeFile(`${folder}/a.tar`, archive);
        const { code, stderr } = await new Deno.Command("tar", { args: ["-xf", "a.tar"], cwd: folder }).output();
        assert.equal(code, 0, new TextDecoder().decode(stderr));
        for (const { path, bytes, executable } of each) {
          assert.deepEqual(await Deno.readFile(`${folder}/${path}`), bytes);
          assert.equal(((await Deno.stat(`${folder}/${path}`)).mode ?? 0) & 0o100, executable ? 0o100 : 0);
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    }),
    { numRuns: 15 },
  );
});
