/** The workspaces on which the forms are tested. */

/** drizzle-orm by the paths that nerve itself uses, and by others: both must be the same module. */
export const libWorkspace: Readonly<Record<string, string>> = {
  "nerve.yaml": "nerve: '>=0.1'\nsenses: { counter: {} }\nreflexes: [{ sense: counter, interval: 1h }]\n",
  "lib/words.ts": `export const greeting = "hello from lib";\n`,
  "senses/counter/index.ts": `import type { SenseContext } from "nerve";
import { sql } from "drizzle-orm/sql";
import { gt } from "drizzle-orm";
import * as z from "zod";
import { greeting } from "../../lib/words.ts";
import { numbers } from "./schema.ts";

export function compute({ db }: SenseContext) {
  db.insert(numbers).values([{ value: 2 }, { value: 3 }]).run();
  const rows = db.select({ value: numbers.value }).from(numbers).where(gt(numbers.value, 1)).all();
  const [total] = db.select({ sum: sql<number>\`sum(\${numbers.value})\` }).from(numbers).all();
  return { greeting: z.string().parse(greeting), rows: rows.length, sum: total?.sum };
}
`,
  "senses/counter/schema.ts": `import { sqliteTable } from "drizzle-orm/sqlite-core";
import { integer } from "drizzle-orm/sqlite-core/columns/integer";

export const numbers = sqliteTable("numbers", { id: integer().primaryKey(), value: integer().notNull() });
`,
  "senses/counter/migrations/0001_numbers.sql":
    "create table numbers (id integer primary key, value integer not null) strict;\n",
};

/** @param secret a folder beside the workspace, with a token and a module. */
export function outsideWorkspace(secret: string): Record<string, string> {
  const at = (name: string) => JSON.stringify(`${secret}/${name}`);
  const url = (name: string) => `new URL(${at(name)}, "file:///").href`;
  return {
    "nerve.yaml": "senses: { prisoner: {} }\nreflexes: [{ sense: prisoner, interval: 1h }]\n",
    "senses/prisoner/index.ts": `const attempts = {
  readText: () => Deno.readTextFile(${at("token.json")}),
  nodeRead: async () => (await import("node:fs")).readFileSync(${at("token.json")}),
  importJson: () => import(${url("token.json")}, { with: { type: "json" } }),
  importCode: () => import(${url("code.ts")}),
  importRelative: () => import("../../../secret/code.ts"),
  processes: () => import("node:child_process"),
  threads: () => import("node:worker_threads"),
  environment: () => Deno.env.get("HOME") ?? Promise.reject(new Error("not there")),
  packages: () => import("npm:is-odd@3.0.1"),
};

export async function compute() {
  const outcomes: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      outcomes[name] = "worked";
    } catch (thrown) {
      outcomes[name] = "refused: " + (thrown as Error).message.slice(0, 100);
    }
  }
  return outcomes;
}
`,
  };
}

/** The second role waits as long as a module of lib/ says, so that the daemon can be killed between the two. */
export const stepsWorkspace: Readonly<Record<string, string>> = {
  "nerve.yaml":
    "senses: { starter: {} }\nreflexes: [{ sense: starter, interval: 1h }]\nworkflows: { steps: { overflow: drop } }\n",
  "lib/go.ts": "export const waitMs = 60_000;\n",
  "senses/starter/index.ts": `export function compute({ sqlite }) {
  // Once in the life of the workspace: the second daemon must go on with the run, not start another.
  sqlite.exec("create table if not exists started (at integer)");
  if (sqlite.prepare("select 1 from started").get() !== undefined) return null;
  sqlite.exec("insert into started values (1)");
  return { workflow: "steps|5|go" };
}
`,
  "workflows/steps/index.ts": `import { defineWorkflow, END } from "nerve";
import { waitMs } from "../../lib/go.ts";

export default defineWorkflow({
  roles: {
    first: () => ({ content: "first is done", meta: {} }),
    second: async ({ log }) => {
      log("info", "first is done");
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return { content: "second is done", meta: {} };
    },
  },
  moderator: ({ messages }) => ["first", "second"][messages.length] ?? END,
});
`,
};

/** A sense that emits `word` and what lib/ adds to it; with `listener`, another sense of that name listens to it. */
export function talkerWorkspace(word: string, tail: string, listener: string | null = null): Record<string, string> {
  const senses = listener === null ? "talker: {}" : `talker: {}, ${listener}: {}`;
  const reflex = listener === null ? "" : `  - { sense: ${listener}, on: [talker] }\n`;
  return {
    "nerve.yaml": `senses: { ${senses} }\nreflexes:\n  - { sense: talker, interval: 100ms }\n${reflex}`,
    "lib/tail.ts": `export const tail = "${tail}";\n`,
    "senses/talker/index.ts": `import { tail } from "../../lib/tail.ts";

export const compute = () => ({ said: "${word}" + tail });
`,
    ...listener === null ? {} : { [`senses/${listener}/index.ts`]: "export const compute = () => ({ heard: 1 });\n" },
  };
}
