/** A real daemon, which a test may kill, with the scripted agent behind the Agent Client Protocol. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../src/base/clock.ts";
import { delay } from "../../src/base/time.ts";
import type { ApprovalSummary } from "../../src/protocol/approval.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import type { RunStatus } from "../../src/protocol/run.ts";
import { StoreReader } from "../../src/store/log/reader.ts";
import { Daemon } from "./mortal_daemon.ts";
import { repository } from "./source_files.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "./workspace_fixture.ts";

export const scriptedAgent = [
  ...[Deno.execPath(), "run", "-A", "--quiet", "--no-config", "--no-lock"],
  `${repository}tests/support/scripted_agent.ts`,
];

export interface WorldOptions {
  /** The roles of the workflow `w`, in order. */
  readonly roles: string;
  /** Further keys of the agent `x`, and of the workflow. */
  readonly agent?: Record<string, unknown>;
  readonly workflow?: Record<string, unknown>;
  readonly yaml?: Record<string, unknown>;
}

export class AgentWorld implements AsyncDisposable {
  readonly workspace: WorkspaceFixture;
  #daemon: Daemon | null = null;

  private constructor(workspace: WorkspaceFixture) {
    this.workspace = workspace;
  }

  static async make({ roles, agent = {}, workflow = {}, yaml = {} }: WorldOptions): Promise<AgentWorld> {
    const x = { protocol: "acp", command: [...scriptedAgent, "acp"], confine: "none", ...agent };
    const workspace = await makeWorkspace({
      yaml: { agents: { x }, workflows: { w: { agents: ["x"], ...workflow } }, ...yaml },
      workflows: {
        w: `import { agent, defineWorkflow, END, event, gate } from "nerve";
const of = (prompt: string, more = {}) => agent({ agent: "x", session: "author", cwd: "work", prompt, ...more });
void [of, event, gate, agent];
const roles = {${roles}};
const names = Object.keys(roles) as (keyof typeof roles)[];
export default defineWorkflow({ roles, moderator: ({ messages }) => names[messages.length] ?? END });`,
      },
      files: { "work/readme.txt": "", "data/agents/x/.keep": "" },
    });
    for (const folder of ["data", "data/agents", "data/agents/x"]) {
      await Deno.chmod(`${workspace.root}/${folder}`, 0o700);
    }
    return new AgentWorld(workspace);
  }

  get daemon(): Daemon {
    return this.#daemon ?? assert.fail("no daemon runs");
  }

  async start(): Promise<void> {
    this.#daemon = await Daemon.start(this.workspace.paths);
  }

  async kill(): Promise<void> {
    await this.#daemon?.kill();
    this.#daemon = null;
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async run(runId: string, prompt = ""): Promise<void> {
    await this.daemon.client.startRun("w", { runId, prompt });
  }

  /** A path in the home of the agent. */
  home(name: string): string {
    return `${this.workspace.root}/data/agents/x/${name}`;
  }

  set(name: string, text = ""): void {
    Deno.writeTextFileSync(this.home(name), text);
  }

  async rows(runId: string, pattern = /^/): Promise<LogRow[]> {
    const rows = (await this.daemon.client.logs({ refId: runId, limit: 1_000 })).reverse();
    return rows.filter(({ type }) => pattern.test(type));
  }

  async types(runId: string, pattern = /^/): Promise<string[]> {
    return (await this.rows(runId, pattern)).map(({ type }) => type);
  }

  /** Polls, because a test cannot await events in another process. */
  async until<T>(what: string, look: () => Promise<T | null | false | undefined>): Promise<T> {
    const found = async (): Promise<T> => {
      for (;;) {
        const value = await look();
        if (value !== null && value !== false && value !== undefined) return value;
        await delay(systemClock, 20);
      }
    };
    return await within(found(), what, () => `${this.#story()}\n${this.#daemon?.output ?? ""}`);
  }

  untilRow(runId: string, type: string, count = 1): Promise<LogRow> {
    return this.until(
      `${count} rows ${type}`,
      async () => (await this.rows(runId, new RegExp(`^${type}$`)))[count - 1],
    );
  }

  untilStatus(runId: string, status: RunStatus): Promise<unknown> {
    return this.until(`run ${runId} to be ${status}`, async () => {
      const run = await this.daemon.client.run(runId, false);
      return run.status === status ? run : null;
    });
  }

  approvals(all = false): ApprovalSummary[] {
    const reader = StoreReader.open(this.workspace.paths.logDatabase) ?? assert.fail("there is no log");
    try {
      return reader.approvals({ all, limit: 100, offset: 0 }).items;
    } finally {
      reader.close();
    }
  }

  untilAsked(): Promise<ApprovalSummary> {
    return this.until("a request", () => Promise.resolve(this.approvals()[0]));
  }

  async decide({ id, digest }: Pick<ApprovalSummary, "id" | "digest">, option: string, token = "t"): Promise<boolean> {
    return (await this.daemon.client.decide(id, { option, digest, token })).replayed;
  }

  /** The number of rows of a type on disk, also while no daemon runs. */
  count(type: string): number {
    return this.database((db) => Number(db.prepare("select count(*) as n from logs where type = ?").get(type)?.n));
  }

  #story(): string {
    const rows = this.database((db) =>
      db.prepare("select type, ref_id, payload from logs order by id desc limit 30").all().reverse()
    );
    return rows.map((row) => `  ${row.type} ${row.ref_id} ${String(row.payload).slice(0, 200)}`).join("\n");
  }

  /** The sessions that are on disk. */
  sessions(): { name: string; state: string; attempts: number }[] {
    return this.database((db) =>
      db.prepare("select name, state, recovery_attempts as attempts from agent_sessions order by seq").all()
        .map((row) => ({ ...row })) as { name: string; state: string; attempts: number }[]
    );
  }

  database<T>(act: (db: DatabaseSync) => T): T {
    const db = new DatabaseSync(this.workspace.paths.logDatabase);
    try {
      return act(db);
    } finally {
      db.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.stop().catch(() => this.kill());
    await this.workspace[Symbol.asyncDispose]();
  }
}
