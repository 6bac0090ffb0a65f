/**
 * The workspace of the storm: a sense that beats, one in its process that ticks each second, one that listens and starts
 * runs, and a workflow. Each writes to a side file what it does, so that the log is not its own witness. Used by storm.ts.
 */
import { stringify } from "yaml";
import { makeWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

export const roles = ["fetch", "parse", "enrich", "decide", "write", "report"] as const;
/** Every so many beats the listener starts a run. */
export const beatsPerRun = 10;

/** Paths in the workspace. */
export const sideFiles = { roles: "side/roles.log", heard: "side/heard.log" } as const;

/** Its beats are numbered by its database: a beat that was written and not told would leave a gap in the log. */
const beat = `
export function compute({ sqlite }) {
  sqlite.exec("create table if not exists beats (n integer primary key) strict; insert into beats default values");
  return { n: sqlite.prepare("select max(n) as n from beats").get().n };
}`;

/** It asks for one run for all tens that it hears for the first time: the database knows which those are. */
const tally = `
export function compute({ sqlite, trigger, config }) {
  sqlite.exec("create table if not exists heard (id integer primary key, n integer) strict");
  const insert = sqlite.prepare("insert or ignore into heard values (?, ?)"), tens = [];
  for (const { id, payload: { n } } of trigger.signals) {
    Deno.writeTextFileSync(config.file, id + " " + n + "\\n", { append: true });
    if (insert.run(id, n).changes === 1 && n % ${beatsPerRun} === 0) tens.push(n);
  }
  return tens.length === 0 ? null : { tens, workflow: { name: "six", prompt: "for beats " + tens.join(), maxRounds: 10 } };
}`;

const tick = `export const compute = ({ trigger }) => ({ due: trigger.due ?? null });`;

const six = `
import { defineWorkflow, END, type RoleContext } from "nerve";

async function work(role: string, { idempotencyKey, config, start }: RoleContext) {
  const file = String(config.file), note = (what: string) => {
    Deno.writeTextFileSync(file, what + " " + idempotencyKey + " " + role + "\\n", { append: true });
  };
  note("begin");
  const mix = [...start.runId + role].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7);
  await new Promise((resolve) => setTimeout(resolve, 10 + mix % 90));
  if (role === "${roles[2]}" && !Deno.readTextFileSync(file).includes("failed " + idempotencyKey + " ")) {
    note("failed");
    throw new Error("fails once");
  }
  note("done");
  return { content: role, meta: {} };
}
const names = ${JSON.stringify(roles)} as const;

export default defineWorkflow({
  roles: Object.fromEntries(names.map((name) => [name, {
    timeout: "20s",
    retry: { attempts: 3, backoff: "150ms" },
    run: (context: RoleContext) => work(name, context),
  }])),
  moderator: ({ messages }) => names[messages.length] ?? END,
});
`;

const permissions = { read: ["./side"], write: ["./side"] };
const listens = { sense: "tally", on: ["beat"] };
const config = {
  senses: {
    beat: { group: "clock" },
    tick: { group: "clock" },
    tally: { permissions, config: { file: sideFiles.heard } },
  },
  workflows: {
    six: { concurrency: 50, overflow: "queue", max_queue: 10_000, permissions, config: { file: sideFiles.roles } },
  },
};

export async function makeStormWorkspace(): Promise<WorkspaceFixture> {
  const reflexes = [
    { sense: "beat", interval: "150ms" },
    listens,
    { sense: "tick", cron: "* * * * * *", timezone: "UTC", catch_up: "once" },
  ];
  const workspace = await makeWorkspace({
    yaml: { ...config, reflexes },
    senses: { beat, tally, tick },
    workflows: { six },
  });
  for (const file of Object.values(sideFiles)) workspace.write(file, "");
  return workspace;
}

/** From the next reload on nothing beats any more; what was told is still heard. */
export function quietDown(workspace: WorkspaceFixture): void {
  workspace.write("nerve.yaml", stringify({ ...config, reflexes: [listens] }));
}
