/** A workspace in which one sense signals, another starts a workflow, and others stay silent for one reason each. */

export const tidyWorkflow = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { tidy: () => ({ content: "tidied", meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "tidy" : END,
});`;

export const meterWorkspace = {
  yaml: {
    senses: { meter: {}, watcher: {}, quiet: {}, broken: {}, slow: { throttle: "1h" } },
    reflexes: [{ sense: "watcher", on: ["meter"] }],
    workflows: { tidy: {} },
  },
  senses: {
    meter: "export const compute = () => ({ used: 0.93 });",
    watcher: "export const compute = ({ trigger }) => " +
      "({ from: trigger.signal.sense, workflow: `tidy|5|${trigger.signal.payload.used} is much` });",
    quiet: "export const compute = () => null;",
    broken: "export const compute = () => { throw new Error('no such disk'); };",
    slow: `import { integer, sqliteTable } from "drizzle-orm/sqlite-core";
      export const readings = sqliteTable("readings", { id: integer().primaryKey() });
      export function compute({ db }) { db.insert(readings).values({}).run(); return { slow: true }; }`,
  },
  workflows: { tidy: tidyWorkflow },
  files: { "senses/slow/migrations/0001_readings.sql": "create table readings (id integer primary key) strict;" },
};
