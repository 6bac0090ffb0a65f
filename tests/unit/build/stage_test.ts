/** The parts of the build that are plain functions: arguments, the archive, the header, the staged deno.json. */
import fc from "fast-check";
import assert from "node:assert/strict";
import manifest from "../../../deno.json" with { type: "json" };
import { addExtension, buildProgramName, createCompileArguments } from "../../../tools/build/compile.ts";
import { detectTarget, targets } from "../../../tools/build/executable.ts";
import { readArguments } from "../../../tools/build/main.ts";
import { createHeader } from "../../../tools/build/portable.ts";
import { createStagedManifest } from "../../../tools/build/stage.ts";
import { tarChunks } from "../../../tools/build/tar.ts";

Deno.test("deno compile gets every permission, no prompt, the worker's entry, the library, and no network", () => {
  const args = createCompileArguments("/out/nerve", "aarch64-apple-darwin"), text = args.join(" ");
  assert.equal(args[0], "compile");
  for (const flag of ["-A", "--no-prompt", "--no-remote", "--no-lock", "-c deno.json", "--output /out/nerve"]) {
    assert.ok(text.includes(flag), flag);
  }
  for (const path of ["src/sandbox/worker_main.ts", "src/sdk/mod.ts", "src", "lib", "senses", "workflows"]) {
    assert.ok(text.includes(`--include ${path} `), path);
  }
  assert.ok(text.includes("--target aarch64-apple-darwin"));
  assert.ok(!createCompileArguments("/out/nerve", null).includes("--target"));
  // Anything after the module would be an argument of the program.
  assert.equal(args.at(-1), "src/bundle/main.js");
});

Deno.test("the build's own arguments are checked", () => {
  assert.deepEqual(readArguments([]), { portable: false, targets: [], out: "dist/nerve" });
  assert.deepEqual(readArguments(["--target", "all"]), { portable: false, targets: [...targets], out: "dist/nerve" });
  const foreign = targets.find((target) => target !== Deno.build.target) ?? "";
  assert.match(String(readArguments(["--portable", "--target", foreign])), /build it on /);
  assert.match(String(readArguments(["--target", "amiga"])), /no target amiga\nusage/);
  assert.match(String(readArguments(["--fast"])), /--fast[^]*usage/);
});

Deno.test("a program's machine is read from its first bytes; what is none, or cut short, is for no machine", () => {
  const own = Deno.openSync(Deno.execPath()), head = new Uint8Array(4_096);
  own.readSync(head);
  own.close();
  assert.equal(detectTarget(head), Deno.build.target);
  const bytes = (...parts: [at: number, ...bytes: number[]][]) => {
    const all = new Uint8Array(512);
    for (const [at, ...part] of parts) all.set(part, at);
    return all;
  };
  const elf = [0x7f, 0x45, 0x4c, 0x46], machO = [0xcf, 0xfa, 0xed, 0xfe], mz = [0x4d, 0x5a];
  const pe = [0x50, 0x45, 0, 0, 0x64, 0x86];
  assert.equal(detectTarget(bytes([0, ...elf], [18, 0xb7])), "aarch64-unknown-linux-gnu");
  assert.equal(detectTarget(bytes([0, ...elf], [18, 0x28])), null);
  assert.equal(detectTarget(bytes([0, ...machO], [4, 7, 0, 0, 1])), "x86_64-apple-darwin");
  assert.equal(detectTarget(bytes([0, ...machO], [4, 12, 0, 0, 1])), "aarch64-apple-darwin");
  assert.equal(detectTarget(bytes([0, ...mz], [0x3c, 0xe8], [0xe8, ...pe])), "x86_64-pc-windows-msvc");
  assert.equal(detectTarget(bytes([0, ...mz], [0x3c, 0xff, 0xff, 0xff, 0xff])), null);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => void detectTarget(noise)));
});

Deno.test("a program for Windows has the ending that deno compile would give it", () => {
  for (const target of targets) {
    const ending = target.includes("windows") ? ".exe" : "";
    assert.equal(addExtension("dist/nerve", target), `dist/nerve${ending}`);
    assert.equal(addExtension("dist/nerve.exe.new", target), `dist/nerve.exe.new${ending}`);
    assert.equal(buildProgramName(target), `nerve-${target}${ending}`);
  }
  assert.equal(addExtension("dist/nerve.exe", "x86_64-pc-windows-msvc"), "dist/nerve.exe");
});

Deno.test("the staged deno.json leads to vendored modules only, closes what the clone's closes, and keeps npm names for editors", () => {
  const staged = createStagedManifest({ zod: "./src/vendor/zod.js" });
  const imports = staged.imports as Record<string, string>;
  assert.ok(Object.values(imports).every((target) => target.startsWith("./src/")));
  assert.equal(imports["node:vm"], manifest.imports["node:vm"]);
  assert.deepEqual(staged.scopes, { "./src/": manifest.scopes["./src/"] });
  assert.deepEqual(staged.unstable, manifest.unstable);
  assert.equal(Object(staged.editorImports)["drizzle-orm"], manifest.imports["drizzle-orm"]);
});

Deno.test("the header says where the archive begins", () => {
  const header = createHeader({ hash: "0123456789abcdef", version: "1.2.3", target: "x" });
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
