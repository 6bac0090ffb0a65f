/** How `deno compile` is called, and how its output is named. */
import assert from "node:assert/strict";
import { addExtension, buildProgramName, createCompileArguments } from "../../../tools/build/compile.ts";
import { targets } from "../../../tools/build/executable.ts";

Deno.test("deno compile gets every permission, no prompt, the worker's entry, the library, and no network", () => {
  const args = createCompileArguments("/out/nerve", "aarch64-apple-darwin"), text = args.join(" ");
  assert.equal(args[0], "compile");
  for (const flag of ["-A", "--no-prompt", "--no-remote", "--no-lock", "-c deno.json", "--output /out/nerve"]) {
    assert.ok(text.includes(flag), flag);
  }
  for (const path of ["src/sandbox/worker_main.js", "src/sdk/mod.js", "src", "lib", "senses", "workflows"]) {
    assert.ok(text.includes(`--include ${path} `), path);
  }
  assert.ok(text.includes("--target aarch64-apple-darwin"));
  assert.ok(!createCompileArguments("/out/nerve", null).includes("--target"));
  // Anything after the module would be an argument of the program.
  assert.equal(args.at(-1), "src/bundle/main.js");
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
