import assert from "node:assert/strict";
import { fileURLToPath, pathToFileURL } from "node:url";
import fc from "fast-check";
import { toFilePath } from "../../../src/base/self_exec.ts";

Deno.test("the path of a file URL is what node:url says, whatever the path holds", () => {
  const names = fc.array(fc.string({ unit: "grapheme", minLength: 1 }).filter((name) => !/[/\0]/.test(name)));
  fc.assert(fc.property(names, (parts) => {
    const url = pathToFileURL(`/${parts.join("/")}`);
    assert.equal(toFilePath(url), fileURLToPath(url));
  }));
});
