/** Errors of the operating system are reported as such; everything else stays a bug. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { toOsError } from "../../../src/base/os_error.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function refusalOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (thrown) {
    return toOsError(thrown)?.message;
  }
  throw new Error("nothing was refused");
}

Deno.test("an error of the operating system says what failed, and where", async () => {
  await inTempDir(async (folder) => {
    const file = join(folder, "file");
    await Deno.writeTextFile(file, "");
    assert.equal(
      refusalOf(() => Deno.mkdirSync(join(file, "x"))),
      `a file is where a folder should be: mkdir '${file}/x'`,
    );
    assert.equal(
      refusalOf(() => Deno.writeTextFileSync(folder, "")),
      `a folder is where a file should be: writefile '${folder}'`,
    );
    assert.equal(
      refusalOf(() => Deno.mkdirSync(file, { recursive: true })),
      `something is there already: mkdir '${file}'`,
    );
    assert.equal(
      refusalOf(() => Deno.mkdirSync(join(folder, "a/b"))),
      `there is no such file or folder: mkdir '${folder}/a/b'`,
    );
  });
  const coded = (code: string, message: string) => toOsError(Object.assign(new Error(message), { code }))?.message;
  assert.equal(coded("ENOSPC", "No space left on device (os error 28)"), "no space is left");
  assert.equal(
    coded("EROFS", "Read-only file system (os error 30): open '/w/nerve.lock'"),
    "the file system is read-only: open '/w/nerve.lock'",
  );
  assert.equal(coded("EACCES", "EACCES: permission denied, open '/w'"), "permission denied: open '/w'");
});

Deno.test("a bug of nerve is not an error of the operating system", () => {
  assert.equal(toOsError(new TypeError("x is not a function")), null);
  assert.equal(toOsError(Object.assign(new Deno.errors.NotCapable("read"), { code: "EACCES" })), null);
  assert.equal(toOsError(Object.assign(new Error("x"), { code: "toString" })), null);
  assert.equal(toOsError("EACCES"), null);
});
