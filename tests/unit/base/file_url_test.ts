import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "../../support/fast_check.ts";
import { toFilePath, toFileUrl } from "../../../src/base/file_url.ts";

Deno.test("a path and its URL lead to each other, as with node:url, whatever its names hold", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.string({ unit: "binary" }),
    fc.constantFrom("%2e", "...", "a b", "c:", "c|"),
  );
  const names = fc.array(text.filter((name) => !/[/\0]|^\.{0,2}$/.test(name)));
  const check = (path: string) => {
    assert.equal(fileURLToPath(toFileUrl(path)), path);
    assert.equal(toFilePath(toFileUrl(path)), path);
    assert.equal(toFilePath(pathToFileURL(path)), path);
  };
  fc.assert(fc.property(names, (parts) => check(`/${parts.join("/")}`)), { numRuns: 1000 });
});
