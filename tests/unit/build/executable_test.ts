/** The machine for which a program is built, detected from its first bytes. */
import assert from "node:assert/strict";
import { detectTarget } from "../../../tools/build/executable.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a program's machine is read from its first bytes; a file that is no program, or cut off, has none", () => {
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
