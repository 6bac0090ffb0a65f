/** `deno task dashboard`: writes the files that the daemon serves, and prints their sizes. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleDashboard, servedFolder } from "./bundle.ts";
import { measureGzip } from "./sizes.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url)), folder = join(repository, servedFolder);
await Deno.mkdir(folder, { recursive: true });
for (const [name, text] of await bundleDashboard(repository)) {
  await Deno.writeTextFile(join(folder, name), text);
  const line = `${name}: ${text.length} bytes, ${await measureGzip(text)} compressed\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}
