/** A workspace with one of every kind that a command can print. Used by json_schemas_test.ts. */
const engineKey = "publickeyv1_w7YHemBctH5Ck2nQRQ47iBBqhNHy4FV7t2Usbye2A6f";
const yaml = `senses: { meter: {}, quiet: {}, broken: {} }
reflexes: [{ sense: meter, on: [quiet] }, { sense: quiet, hook: git }]
workflows: { tidy: {}, stay: {}, ask: {}, talk: { agents: [fake] }, develop: { use: ask } }
alerts: { high: { sense: quiet, when: signal.used > 0.9 } }
hooks: { git: { secret: env GIT_SECRET, verify: bearer } }
listen: 127.0.0.1:0
engines:
  away: { kind: restate, ingress: "http://127.77.11.3:20001", admin: "http://127.77.11.3:20002", listen: "127.77.11.3:20003", identity: ${engineKey} }
env_file: .env
`;
const ending = "moderator: ({ messages }) => messages.length === 0 ? 'one' : END";
export const everyKind = {
  yaml,
  senses: {
    meter: `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
      export const readings = sqliteTable("readings", { id: integer().primaryKey() });
      export function compute({ db }) {
        db.insert(readings).values({}).run();
        return { used: 0.9, workflow: { name: "tidy", maxRounds: 5, prompt: "tidy up" } };
      }`,
    quiet: "export const compute = () => null;",
    broken: "export const compute = () => { throw new Error('no such disk'); };",
  },
  workflows: {
    tidy: `import { defineWorkflow, END } from "nerve";
      export default defineWorkflow({ roles: { one: () => ({ content: "tidied", meta: {} }) }, ${ending} });`,
    ask: `import { defineWorkflow, END, gate } from "nerve";
      export default defineWorkflow({ roles: { one: gate({ title: "Go?" }) }, ${ending} });`,
    talk: `import { agent, defineWorkflow, END } from "nerve";
      export default defineWorkflow({ roles: { one: agent({ agent: "fake", cwd: "work", prompt: "x" }) }, ${ending} });`,
    stay: `import { defineWorkflow, END } from "nerve";
      const one = ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      export default defineWorkflow({ roles: { one }, ${ending} });`,
  },
  files: {
    "work/README.md": "",
    ".env": "GIT_SECRET=hunter2-secret\n",
    "senses/meter/migrations/0001_readings.sql":
      "create table readings (id integer primary key, read_at integer) strict;",
  },
};
