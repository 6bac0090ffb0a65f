/** A workspace with data for every page of the dashboard, and hostile texts wherever its code may write one. */
import { hostile } from "./browser.ts";
import { OwnPorts, untilRefused } from "./own_ports.ts";
import { type ServedWorkspace, serveWorkspace } from "./served_workspace.ts";

const text = JSON.stringify(hostile);

const senses = {
  load: `export function compute({ sqlite, log }) {
  sqlite.prepare("insert into samples (ts, used) values (:t, :used)").run({ t: Date.now(), used: 0.5 });
  log("info", ${text});
  return { used: 0.95, note: ${text} };
}
`,
  shy: `export const compute = () => ({ silent: ${text} });\n`,
  fails: `export const compute = () => { throw new Error(${text}); };\n`,
  files: `export const compute = ({ trigger }) => ({ changed: trigger.paths });\n`,
  many: `let n = 0;\nexport const compute = () => ({ n: ++n });\n`,
};

const workflows = {
  ask: `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({
  roles: {
    plan: ({ log }) => { log("info", ${text}); return { content: ${text}, meta: { note: ${text} } }; },
    approve: gate({ title: ${text}, body: ${text}, options: ["approve", "reject"] }),
    done: () => ({ content: "it is done", meta: {} }),
  },
  moderator: ({ messages }) => messages.length === 0 ? "plan" : messages.length === 1 ? "approve"
    : messages.length === 2 && messages[1]?.meta.decision === "approve" ? "done" : END,
});
`,
  talk: `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: agent({ agent: "fake", cwd: "drop", prompt: ${text} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
});
`,
  slow: `import { defineWorkflow, END, sleep } from "nerve";
export default defineWorkflow({
  roles: { rest: sleep("1h") },
  moderator: ({ messages }) => messages.length === 0 ? "rest" : END,
});
`,
};

const table = hostile.replaceAll('"', '""');

/** The tables of the sense \`load\`: one usual, one with hostile names. */
const migration = `create table samples (id integer primary key, ts integer not null, used real not null) strict;
create table "${table}" (id integer primary key, ts integer not null, "${table}" real not null) strict;
insert into "${table}" (ts, "${table}") values (unixepoch() * 1000, 1.5);
`;

/** A port that is free now: the page of a restarted daemon is at the same address. */
async function findPort(): Promise<number> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = listener.addr;
  await new OwnPorts("127.0.0.1").close(listener);
  await untilRefused(async () => await Deno.connect({ hostname: "127.0.0.1", port }));
  return port;
}

export async function serveDashboard(): Promise<ServedWorkspace> {
  const port = await findPort();
  return await serveWorkspace({
    yaml: {
      listen: `127.0.0.1:${port}`,
      senses: {
        load: { permissions: { read: ["/srv"] } },
        shy: {},
        fails: {},
        many: {},
        files: { permissions: { read: ["./drop"] } },
      },
      reflexes: [{ sense: "many", interval: "1h" }, { sense: "files", watch: ["./drop"] }],
      workflows: { ask: {}, slow: {}, talk: { agents: ["fake"] } },
      agents: { fake: { protocol: "fake", scenario: [{ do: [{ answer: hostile }] }] } },
      alerts: { full: { sense: "load", when: "signal.used > 0.9", severity: "error", summary: "{{ signal.note }}" } },
    },
    senses,
    workflows,
    files: { "senses/load/migrations/0001_samples.sql": migration, "drop/usual.txt": "" },
  });
}

/** A new link of the dashboard. */
export async function makeLink(served: ServedWorkspace, ...flags: string[]): Promise<string> {
  const { out, err } = await served.nerve("dashboard", "--print", ...flags), link = out.trim();
  if (!link.startsWith("http://")) throw new Error(`there is no link: ${out}${err}`);
  return link;
}
