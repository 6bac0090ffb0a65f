/** `deno task docs`: writes the generated documents. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedDocuments } from "./documents.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

function* modulesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* modulesBelow(path);
    else if (name.endsWith(".ts")) yield Deno.readTextFileSync(path);
  }
}

const documents = await generatedDocuments({
  read: (path) => Deno.readTextFileSync(join(root, path)),
  modules: () => modulesBelow(join(root, "src")),
});
for (const [path, text] of documents) Deno.writeTextFileSync(join(root, path), text);
