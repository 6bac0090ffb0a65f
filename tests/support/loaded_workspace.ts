/** A workspace with two senses and a workflow on a real disk, whose nerve.yaml a test writes. */
import { join } from "node:path";
import { loadNerveConfig } from "../../src/config/load.ts";
import { type WorkspacePaths, workspacePaths } from "../../src/config/workspace.ts";

/** Creates a workspace with senses `a`, `b` and workflow `w`. `load` returns problems: severity, path, message. */
export async function inWorkspace(
  test: (paths: WorkspacePaths, load: (yaml: string) => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-" }));
  try {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: join(folder, "tmp") };
    await Deno.mkdir(join(folder, "w", "data", "senses"), { recursive: true });
    const paths = workspacePaths(join(folder, "w"), host);
    for (const entry of [paths.senseEntry("a"), paths.senseEntry("b"), paths.workflowEntry("w")]) {
      await Deno.mkdir(join(entry, ".."), { recursive: true });
      await Deno.writeTextFile(entry, "export {};\n");
    }
    await test(paths, async (yaml) => {
      await Deno.writeTextFile(paths.configFile, yaml);
      const loaded = await loadNerveConfig(paths, { home: folder, nerveModules: [join(folder, "nerve")] });
      const problems = loaded.ok ? loaded.value.warnings : loaded.error;
      return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The rest of a nerve.yaml for those folders that has no problem. */
export const restOfYaml = "workflows: { w: {} }\nreflexes: [{ sense: a, interval: 1s }, { sense: b, interval: 1s }]\n";
