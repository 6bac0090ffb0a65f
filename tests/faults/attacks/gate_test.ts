/**
 * The import gate alone, in a process with all permissions, as in a compiled nerve, where Deno asks no permission for
 * an imported file. A bug here would show as the text of a file outside the sense's own folder.
 */
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { fromFileUrl, join } from "../../support/paths.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const gate = new URL("../../../src/sandbox/module_gate.ts", import.meta.url).href;
const config = fromFileUrl(new URL("../../../deno.json", import.meta.url));
const json = `, { with: { type: "json" } }`;

/** Each is the argument of an import by a module of its own folder; `outside` is the folder of secret.json. */
const attacks = (outside: string): Readonly<Record<string, string>> => ({
  "absolute": `"${outside}/secret.json"${json}`,
  "url": `"${pathToFileURL(outside)}/secret.json"${json}`,
  "relative": `"../outside/secret.json"${json}`,
  "encoded": `"./%2e%2e/outside/secret.json"${json}`,
  "encoded slash": `"./..%2foutside%2fsecret.json"${json}`,
  "local host": `"file://localhost${outside}/secret.json"${json}`,
  "link": `"./link/secret.json"${json}`,
  "text": `"../outside/module.ts"`,
  "by data": `"data:text/javascript,export * from '${pathToFileURL(outside)}/module.ts'"`,
  "behind an open package": `"zod/" + "../../outside/secret.json"${json}`,
  "behind its name": `"drizzle-orm/" + "../../outside/secret.json"${json}`,
  "behind the sdk": `"nerve/" + "../../outside/secret.json"${json}`,
  "far behind a package": `"zod/" + "../../../../../../../../../../..${outside}/secret.json"${json}`,
  "encoded behind a package": `"zod/" + "%2e%2e/%2e%2e/outside/secret.json"${json}`,
  "backslash behind a package": `"zod/" + "..\\\\..\\\\outside\\\\secret.json"${json}`,
  "beside a package": `import.meta.resolve("zod").replace(/zod.[^/]+.index\\.[a-z]+$/, "hono/4.13.19/dist/index.js")`,
  "out of a package": `import.meta.resolve("zod").replace(/index\\.[a-z]+$/, "..%2f..%2fhono/4.13.19/dist/index.js")`,
});

Deno.test("the module gate protects the whole disk where Deno checks no permission", async () => {
  await inTempDir(async (home) => {
    const all = attacks(join(home, "outside"));
    const tries = Object.entries(all).map(([name, target]) =>
      `tried[${
        JSON.stringify(name)
      }] = await import(${target}).then((all) => "got " + JSON.stringify(all), (e) => e.name + ": " + e.message);`
    );
    await writeWorkspace(home, {
      "outside/secret.json": `{ "secret": "very-secret" }`,
      "outside/module.ts": `export const secret = "very-secret";`,
      "own/fine.ts":
        `import * as z from "zod"; import { text } from "drizzle-orm/sqlite-core"; import { END } from "nerve";
        export const fine = [typeof z.string, typeof text, typeof END].join(" ");`,
      "own/hostile.ts": `export const tried: Record<string, string> = {};
        ${tries.join("\n")}
        tried.fine = (await import("./fine.ts")).fine;`,
      "start.ts": `import { installModuleGate } from "${gate}";
        installModuleGate({ folders: [import.meta.dirname + "/own"], packages: [] });
        console.log(JSON.stringify((await import("./own/" + "hostile.ts")).tried));`,
    });
    await Deno.symlink(join(home, "outside"), join(home, "own/link"));
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", "--frozen", "-c", config, join(home, "start.ts")],
      cwd: home,
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(text !== "", new TextDecoder().decode(stderr));
    const { fine, ...tried }: Record<string, string> = JSON.parse(text);
    assert.equal(fine, "function function string", "what is open stays open");
    assert.deepEqual(Object.keys(tried), Object.keys(all));
    assert.deepEqual(Object.entries(tried).filter(([, outcome]) => outcome.startsWith("got ")), [], "holes");
  });
});
