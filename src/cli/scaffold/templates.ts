/** The texts that `nerve init` writes. Pure apart from reading the library. */
import { stringify } from "yaml";
import manifest from "../../../deno.json" with { type: "json" };
import { assert } from "../../base/errors.ts";
import { buildSelfArguments } from "../../base/self_exec.ts";
import { build } from "../../base/version.ts";
import { extendConfig } from "../../config/yaml/extend.ts";
import { quoteForShell } from "../render/terminal.ts";
import { type LibraryKind, readLibraryYaml } from "./library.ts";

/** The senses and workflows that `nerve init` puts into a new workspace. */
export const starters = {
  senses: ["cpu-usage", "disk-usage", "memory-usage"],
  workflows: ["cleanup", "notify"],
} as const satisfies Record<LibraryKind, readonly string[]>;

export function createNerveYaml(): string {
  let text = emptyYaml;
  for (const kind of ["senses", "workflows"] as const) {
    for (const name of starters[kind]) {
      const extended = extendConfig(text, readLibraryYaml(kind, name));
      assert(extended.ok, `${kind}/${name} does not fit into the nerve.yaml of a new workspace`);
      text = extended.value;
    }
  }
  return text;
}

/** nerve's own folder in a workspace; all of its content can be generated again. */
const generatedFolder = ".nerve";
/** The schema of nerve.yaml for editors, in a workspace and among nerve's own files. */
export const schemaFile = `${generatedFolder}/nerve.schema.json`;
export const schemaSource = "config/nerve.schema.json";

const emptyYaml = `# yaml-language-server: $schema=./${schemaFile}
# What this workspace observes, and what it does about it.
# \`nerve validate\` checks this file, \`nerve run\` runs it.

# max_rounds: 100           # how many rounds a run of a workflow may take
# retention: 30d            # older rows of the log may be archived
# env_file: .env            # variables that permissions may name (env: [API_TOKEN]); kept out of git and of backups

# Each sense is a folder senses/<name>/ whose index.ts exports compute(). It may do only what its permissions allow.
# Further keys: group, throttle: 10s, timeout: 30s, grace_period: 5s, startup_delay: 0s, keep_alive, peers.
senses:

# When senses compute: at an interval, by a cron line, on the signals of other senses.
#   - { sense: NAME, on: [OTHER] }
#   - { sense: NAME, cron: "0 9 * * 1-5", timezone: Europe/Berlin, catch_up: once }
reflexes:

# Each workflow is a folder workflows/<name>/ whose index.ts has a defineWorkflow({...}) as its default export.
# A sense starts one by returning { workflow: { name, prompt, maxRounds }, ... }. By hand: nerve workflow trigger NAME.
workflows:

# An alert watches the signals of one sense: it fires when a condition held for so long, tells that once, and its end.
# Remove a # to turn one on: the workflow notify then writes into its file. To try them: nerve alert test.
alerts:
  # disk-full: { sense: disk-usage, when: signal.used > 0.9, clear: signal.used < 0.85, for: 2m, severity: critical, workflow: notify, summary: "{{ signal.mount }} is {{ round(signal.used * 100) }}% full" }
  # memory-full: { sense: memory-usage, when: signal.used > 0.9, clear: signal.used < 0.8, for: 5m, workflow: notify, summary: "{{ round(signal.used * 100) }}% of the memory is in use" }
`;

/** The imports of a built nerve lead to its own files; tools/build/stage.ts keeps the packages' in `editorImports`. */
interface EditorManifest {
  readonly imports: Readonly<Record<string, string>>;
  readonly editorImports?: Readonly<Record<string, string>>;
  readonly compilerOptions: { readonly strict: boolean };
}

/** Where a workspace keeps the types of "nerve" (editor_types.ts). */
export const typesFolder = `${generatedFolder}/types`;
/** The entry module of "nerve", relative to `src/` and to `typesFolder`. */
export const typesEntry = "sdk/mod.ts";

/** Maps `"nerve"` and the packages for editors. `createEditorConfig` explains why it is a separate file. */
export const importMapFile = "import_map.json";

/**
 * Gives editors the types of "nerve" and of the packages that senses may import. nerve itself does not read it. Deno
 * looks for tasks in the nearest deno.json, in a workspace this one; when nerve runs from a clone, the task leads back
 * to the clone.
 * I1. It names no package. Before it runs a task, Deno requests all imports of deno.json from the registry, and without
 *     a network it does not run the task. Imports of an import map are requested only when code is checked.
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

/** `peers`: the entries `nerve/peers/NAME`. */
export function createImportMap(peers: Readonly<Record<string, unknown>> = {}): string {
  const maps: EditorManifest = manifest, imports = maps.editorImports ?? maps.imports;
  const map = {
    imports: {
      "nerve": `./${typesFolder}/${typesEntry}`,
      "drizzle-orm": imports["drizzle-orm"],
      "drizzle-orm/": imports["drizzle-orm/"],
      "zod": imports["zod"],
      "feedsmith": imports["feedsmith"],
      "d3-scale": imports["d3-scale"],
      "d3-shape": imports["d3-shape"],
      ...peers,
    },
  };
  return `${JSON.stringify(map, null, 2)}\n`;
}

export const gitignore = `data/\nlogs/\n.env\n${generatedFolder}/\nnerve.lock\nnerve.pid\nnerve.sock\ndata.before-*/\n`;

export function createSenseTemplate(name: string): Record<string, string> {
  const folder = `senses/${name}`;
  return {
    [`${folder}/index.ts`]: `import { defineSense, option } from "nerve";
import { readings } from "./schema.ts";

/** Runs when a reflex triggers it. Its return value becomes a signal; null means no signal. */
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

/** The table that migrations/ creates. */
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
    // A role runs at least once. Its message is stored before the next role begins.
    look: ({ start }) => ({ content: \`looked into: \${start.prompt || "nothing in particular"}\`, meta: { found: 3 } }),
    act: ({ messages, log }) => {
      const found = messages.at(-1)?.meta.found ?? 0;
      log("info", "acting", { found });
      return { content: \`acted on \${found} things\`, meta: {} };
    },
  },
  // Picks the next role. It must be pure: the same messages give the same answer.
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    if (last === undefined) return "look";
    return last.role === "look" ? "act" : END;
  },
});
`,
  };
}

/** The lines of nerve.yaml for a sense or workflow that was written from a template, by top-level key. */
export const configLines = {
  sense: (name: string) =>
    new Map([
      ["senses", [`  ${quoteKey(name)}:`, "    config: { threshold: 50 }"]],
      ["reflexes", [`  - { sense: ${quoteKey(name)}, interval: 10s }`]],
    ]),
  workflow: (name: string) => new Map([["workflows", [`  ${quoteKey(name)}: { concurrency: 1, overflow: queue }`]]]),
} as const;

/** YAML does not read some names as strings unless they are quoted: 123, null, true. */
function quoteKey(name: string): string {
  return stringify(name).trim();
}
