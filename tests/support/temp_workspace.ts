/** Workspaces in temporary folders. */
import { dirname, join } from "node:path";

/** Runs `test` in a folder of its own, given by its real path; the folder is removed afterwards. */
export async function inTempDir(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-test-" }));
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Writes files by their path below `root`. */
export async function writeWorkspace(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
}

/** A workspace in which static checks find nothing. */
export const oneSense = {
  "nerve.yaml": "senses: { a: {} }\nreflexes: [{ sense: a, interval: 1s }]\n",
  "senses/a/index.ts": "export const compute = () => null;\n",
};
