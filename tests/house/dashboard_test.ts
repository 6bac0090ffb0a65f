/** The files of the dashboard that the daemon serves match its sources, are small, and load nothing from outside. */
import assert from "node:assert/strict";
import { bundleDashboard, servedFolder } from "../../tools/dashboard/bundle.ts";
import { measureGzip } from "../../tools/dashboard/sizes.ts";
import { readSource, repository, sourceFiles } from "../support/source_files.ts";

const compressedMax = 90 * 1_024;

Deno.test("the served dashboard is up to date: deno task dashboard", async () => {
  for (const [name, text] of await bundleDashboard(repository)) {
    // Not assert.equal: its message would contain both texts.
    assert.ok(readSource(`${servedFolder}/${name}`) === text, `${name} is not what its sources make`);
  }
});

Deno.test("script and style of the dashboard have at most 90 KiB together, compressed", async () => {
  const sizes = ["first.js", "app.js", "app.css"].map((name) => measureGzip(readSource(`${servedFolder}/${name}`)));
  const sum = (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
  assert.ok(sum <= compressedMax, `${sum} bytes`);
});

Deno.test("the dashboard names no address outside", () => {
  const texts = ["first.js", "app.js", "app.css", "index.html"].map((name) => readSource(`${servedFolder}/${name}`))
    .join("\n");
  const named = [...texts.matchAll(/\bhttps?:\/\/[\w.-]+/g)].map(([address]) => address);
  // Names of XML vocabularies are never requested, and nerve's own address is the reader's.
  assert.deepEqual([...new Set(named)].filter((address) => address !== "http://www.w3.org"), []);
});

Deno.test("the dashboard imports types of the protocol alone, besides its own modules and packages", () => {
  const sources = [".ts", ".tsx"].flatMap((ending) => sourceFiles(["dashboard"], ending));
  assert.ok(sources.length > 20);
  const others = sources.flatMap((path) =>
    [...readSource(path).matchAll(/^import ([^;]*?)from "([^"]*src\/[^"]*)";/gm)]
      .filter(([, what = "", from = ""]) => !what.startsWith("type ") || !from.includes("/src/protocol/"))
      .map(([, , from]) => `${path}: ${from}`)
  );
  assert.deepEqual(others, []);
});
