/** The texts that `nerve init` writes. Pure but for the library they are made of. */
import manifest from "../../../deno.json" with { type: "json" };
import { assert } from "../../base/errors.ts";
import { buildSelfArguments } from "../../base/self_exec.ts";
import { build } from "../../base/version.ts";
import { extendConfig } from "../../config/yaml/extend.ts";
import { quoteForShell } from "../render/terminal.ts";
import { type LibraryKind, readLibraryYaml } from "./library.ts";

/** What a new workspace begins with. */
export const starters = {
  senses: ["cpu-usage", "disk-usage", "memory-usage"],
  workflows: ["cleanup"],
} as const satisfies Record<LibraryKind, readonly string[]>;

export function createNerveYaml(): string {
  let text = emptyYaml;
  for (const kind of ["senses", "workflows"] as const) {
    for (const name of starters[kind]) {
      const extended = extendConfig(text, readLibraryYaml(kind, name));
      assert(extended.ok, `${kind}/${name} does not go into the nerve.yaml of a new workspace`);
      text = extended.value;
    }
  }
  return text;
}

const emptyYaml = `# What this workspace observes, and what it does about it.
# \`nerve validate\` checks this file, \`nerve run\` runs it.

# max_rounds: 100           # how many rounds a run of a workflow may take
# retention: 30d            # rows of the log that are older may be archived

# Each sense is a folder senses/<name>/ whose index.ts exports compute(). It may do what its permissions say, no more.
# Further keys: group, throttle: 10s, timeout: 30s, grace_period: 5s, startup_delay: 0s, keep_alive, peers.
senses:

# When senses compute: at an interval, by a cron line, on the signals of other senses.
#   - { sense: NAME, on: [OTHER] }
#   - { sense: NAME, cron: "0 9 * * 1-5", timezone: Europe/Berlin, catch_up: once }
reflexes:

# Each workflow is a folder workflows/<name>/ whose index.ts has a defineWorkflow({...}) as its default export.
# A sense starts one by returning { workflow: { name, prompt, maxRounds }, ... }. By hand: nerve workflow trigger NAME.
workflows:
`;

/** A built nerve's own imports lead into itself; tools/build/stage.ts keeps those of the packages beside them. */
interface EditorManifest {
  readonly imports: Readonly<Record<string, string>>;
  readonly editorImports?: Readonly<Record<string, string>>;
  readonly compilerOptions: { readonly strict: boolean };
}

/** Of the workspace, and nerve's own: whatever is in it can be written anew. */
const generatedFolder = ".nerve";
/** Where a workspace has the types of "nerve" (editor_types.ts). */
export const typesFolder = `${generatedFolder}/types`;
/** What "nerve" is, below `src/` here and below `typesFolder` there. */
export const typesEntry = "sdk/mod.ts";

/** What an editor takes `"nerve"` and the packages to be: in a file of its own, see `createEditorConfig`. */
export const importMapFile = "import_map.json";

/**
 * Gives an editor the types of "nerve" and of what senses may import. nerve itself does not read it. Deno looks for
 * tasks in the nearest deno.json, which in a workspace is this one: from a clone it has to lead back to the clone.
 * I1. No package is named in it. Before Deno runs a task it asks the registry for all that its deno.json imports, and
 *     without a network does not run it; what an import map imports it asks for when code is checked.
 */
export function createEditorConfig(): string {
  const { compilerOptions }: EditorManifest = manifest;
  const config = {
    importMap: `./${importMapFile}`,
    compilerOptions: { strict: compilerOptions.strict },
    nodeModulesDir: "none",
    lock: false,
    exclude: [`${generatedFolder}/`],
    ...build.form === "source" && { tasks: { nerve: `deno ${buildSelfArguments().map(quoteForShell).join(" ")}` } },
  };
  return `// For editors: the types of "nerve", through ${importMapFile}. \`nerve run\` does not read this file.\n${
    JSON.stringify(config, null, 2)
  }\n`;
}

export function createImportMap(): string {
  const maps: EditorManifest = manifest, imports = maps.editorImports ?? maps.imports;
  const map = {
    imports: {
      "nerve": `./${typesFolder}/${typesEntry}`,
      "drizzle-orm": imports["drizzle-orm"],
      "drizzle-orm/": imports["drizzle-orm/"],
      "zod": imports["zod"],
    },
  };
  return `${JSON.stringify(map, null, 2)}\n`;
}

export const gitignore = `data/\nlogs/\n${generatedFolder}/\nnerve.lock\nnerve.pid\nnerve.sock\ndata.before-*/\n`;

export function createSenseTemplate(name: string): Record<string, string> {
  const folder = `senses/${name}`;
  return {
    [`${folder}/index.ts`]: `import { defineSense, option } from "nerve";
import { readings } from "./schema.ts";

/** Runs when a reflex says so. What it returns becomes a signal; null says nothing. */
export const { compute } = defineSense({
  config: { threshold: option.number(50) },
  compute({ db, config, log }) {
    const value = Math.round(Math.random() * 100);
    db.insert(readings).values({ value, ts: new Date() }).run();
    log("debug", "took a reading", { value });
    // A run instead of a signal: return { value, workflow: { name: "tidy", prompt: "why", maxRounds: 10 } };
    return value >= config.threshold ? { value } : null;
  },
});
`,
    [`${folder}/schema.ts`]: `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";

/** As migrations/ makes it. */
export const readings = sqliteTable("readings", {
  id: integer().primaryKey(),
  value: integer().notNull(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
});
`,
    [`${folder}/migrations/0001_readings.sql`]: `create table readings (
  id integer primary key,
  value integer not null,
  ts integer not null
) strict;
`,
  };
}

export function createWorkflowTemplate(name: string): Record<string, string> {
  return {
    [`workflows/${name}/index.ts`]: `import { defineWorkflow, END } from "nerve";

export default defineWorkflow({
  roles: {
    // A role runs at least once. What it returns is stored before the next one begins.
    look: ({ start }) => ({ content: \`looked into: \${start.prompt || "nothing in particular"}\`, meta: { found: 3 } }),
    act: ({ messages, log }) => {
      const found = messages.at(-1)?.meta.found ?? 0;
      log("info", "acting", { found });
      return { content: \`acted on \${found} things\`, meta: {} };
    },
  },
  // Says which role is next. It must be pure: the same messages give the same answer.
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    if (last === undefined) return "look";
    return last.role === "look" ? "act" : END;
  },
});
`,
  };
}

/** The lines to add to nerve.yaml for a part that was written from a template. */
export const configLines = {
  sense: (name: string): string =>
    `senses:\n  ${name}:\n    config: { threshold: 50 }\nreflexes:\n  - { sense: ${name}, interval: 10s }`,
  workflow: (name: string): string => `workflows:\n  ${name}: { concurrency: 1, overflow: queue }`,
} as const;
