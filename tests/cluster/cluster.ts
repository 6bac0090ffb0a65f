/** Daemons of one workspace, each with a copy of it at an address of its own, and the servers that keep their runs. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { NerveError } from "../../src/base/errors.ts";
import { delay } from "../../src/base/time.ts";
import type { Run, RunMessage } from "../../src/protocol/run.ts";
import { StoreReader } from "../../src/store/log/reader.ts";
import { Daemon } from "../support/mortal_daemon.ts";
import { freePorts, type RestateServers, startRestate } from "../support/restate.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../support/workspace_fixture.ts";

/** Each role tells in a file which execution of it begins, and its message says which one it is from. */
const steps = `import { defineWorkflow, END, gate, sleep } from "nerve";
const note = ({ start, config }, what) => Deno.writeTextFileSync(String(config.file), start.runId + " " + what + "\\n", { append: true });
const role = (name) => async (context) => {
  const execution = crypto.randomUUID();
  note(context, "begin " + name + " " + execution);
  await new Promise((resolve) => setTimeout(resolve, Number(context.start.payload.ms)));
  return { content: name, meta: { execution } };
};
export default defineWorkflow({
  roles: { one: role("one"), nap: sleep("1500ms"), two: role("two"), ask: gate({ title: "Go on?" }), three: role("three") },
  moderator: ({ start, messages }) => start.payload.path[messages.length] ?? END,
  finally: (context) => { note(context, "closed " + context.end.status); return { content: "closed" }; },
});
`;

/** Of the local engine: its role lasts until the file \`go\` of the workspace is there. */
const holds = `import { defineWorkflow, END } from "nerve";
const isThere = (path) => { try { return Deno.statSync(path).isFile; } catch { return false; } };
export default defineWorkflow({
  roles: { hold: async ({ config, start }) => {
    Deno.writeTextFileSync(String(config.file), start.runId + " begin hold 0\\n", { append: true });
    while (!isThere(String(config.go))) await new Promise((resolve) => setTimeout(resolve, 20));
    return { content: "held", meta: {} };
  } },
  moderator: ({ messages }) => messages.length === 0 ? "hold" : END,
});
`;

export const paths = {
  waits: ["one", "nap", "two"],
  works: ["one", "two", "three"],
  asks: ["one", "ask", "two"],
} as const;

export class Cluster implements AsyncDisposable {
  readonly servers: RestateServers;
  readonly #workspaces: readonly WorkspaceFixture[];
  readonly #daemons: (Daemon | null)[];
  readonly file: string;

  private constructor(servers: RestateServers, workspaces: readonly WorkspaceFixture[], file: string) {
    this.servers = servers;
    this.#workspaces = workspaces;
    this.#daemons = workspaces.map(() => null);
    this.file = file;
  }

  static async start(program: string, nodes: number, daemons: number): Promise<Cluster> {
    const servers = await startRestate(program, nodes), file = await Deno.makeTempFile({ prefix: "nerve-notes-" });
    const ports = freePorts(daemons), ingress = servers.nodes.map((node) => node.ingress);
    const admin = servers.nodes.map((node) => node.admin), { identity } = servers, secret = crypto.randomUUID();
    const workspaces = await Promise.all(ports.map((port, at) => {
      const listen = `127.0.0.${at + 1}:${port}`,
        engines = { cluster: { kind: "restate", ingress, admin, listen, identity, secret: "env CLUSTER_SECRET" } };
      const settings = {
        engine: "cluster",
        concurrency: 100,
        config: { file },
        permissions: { write: [file], read: [file] },
      };
      const go = `${file}-go-${at}`, config = { file, go }, local = { write: [file], read: [file, go] };
      const own = { config, permissions: local, drain_timeout: "2m" };
      const yaml = { env_file: ".env", engines, workflows: { steps: settings, holds: own } };
      return makeWorkspace({ yaml, workflows: { steps, holds }, files: { ".env": `CLUSTER_SECRET=${secret}\n` } });
    }));
    const cluster = new Cluster(servers, workspaces, file);
    await Promise.all(workspaces.map((_, at) => cluster.revive(at)));
    return cluster;
  }

  daemon(at: number): Daemon {
    const daemon = this.#daemons[at];
    assert.ok(daemon !== null && daemon !== undefined, `daemon ${at} does not run`);
    return daemon;
  }

  get alive(): number[] {
    return this.#daemons.flatMap((daemon, at) => daemon === null ? [] : [at]);
  }

  async revive(at: number): Promise<void> {
    const workspace = this.#workspaces[at];
    assert.ok(workspace !== undefined);
    this.#daemons[at] = await Daemon.start(workspace.paths);
  }

  /** Asks it to stop; it holds its lock until its role is over, for which `letGo` sees. */
  async stop(at: number): Promise<void> {
    const daemon = this.daemon(at);
    this.#daemons[at] = null;
    await daemon.stop();
  }

  letGo(at: number): void {
    Deno.writeTextFileSync(`${this.file}-go-${at}`, "");
  }

  root(at: number): string {
    return this.#workspaceOf(at).root;
  }

  async kill(at: number): Promise<void> {
    const daemon = this.daemon(at);
    this.#daemons[at] = null;
    await daemon.kill();
  }

  /** Each daemon serves a part of the runs. */
  async spread(): Promise<void> {
    await this.until("runs to be spread over the daemons", async () => {
      const lists = await Promise.all(this.alive.map((at) => this.daemon(at).client.engines.list()));
      return lists.every(({ items: [engine] }) => (engine?.parts ?? 0) > 0);
    });
  }

  async startRun(at: number, runId: string, path: keyof typeof paths, ms: number): Promise<Run> {
    return await this.daemon(at).client.startRun("steps", { runId, payload: { path: [...paths[path]], ms } });
  }

  /** The run as this daemon knows it; null: not yet. */
  run(at: number, runId: string): Run | null {
    const workspace = this.#workspaces[at];
    assert.ok(workspace !== undefined);
    const reader = StoreReader.open(workspace.paths.logDatabase);
    try {
      return reader?.run(runId) ?? null;
    } finally {
      reader?.close();
    }
  }

  /** Decides at that daemon what the run asks, once it knows of it. */
  async approve(at: number, runId: string): Promise<void> {
    const workspace = this.#workspaces[at], id = `${runId}:ask::1`;
    await this.until(`daemon ${at} to show what ${runId} asks`, async () => {
      const reader = workspace === undefined ? null : StoreReader.open(workspace.paths.logDatabase);
      const asked = reader?.approval(id) ?? null;
      reader?.close();
      if (asked?.state !== "pending") return asked !== null;
      try {
        await this.daemon(at).client.decide(id, { option: "approve", digest: asked.digest, token: `t-${runId}` });
        return true;
      } catch (thrown) {
        // Whoever worked on the run has just died.
        if (thrown instanceof NerveError && thrown.code === "ENGINE_AWAY") return false;
        throw thrown;
      }
    });
  }

  async until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
    const poll = async () => {
      while (!await reached()) await delay(systemClock, 100);
    };
    await within(poll(), what, () => this.notes().slice(-2_000));
  }

  notes(): string {
    return Deno.readTextFileSync(this.file);
  }

  /** Every run has ended once, at every daemon, and no finished role ran again. */
  async allEnded(runIds: readonly string[]): Promise<void> {
    for (const at of this.alive) {
      for (const runId of runIds) {
        await this.until(`run ${runId} to be over at daemon ${at}`, () => this.run(at, runId)?.status === "completed");
      }
    }
    for (const runId of runIds) this.#ranOnce(runId);
  }

  /**
   * The execution from which each message is began last: a role that was cut off runs again, but none whose message is kept. And
   * every daemon has the same messages.
   */
  #ranOnce(runId: string): void {
    const own = this.notes().trimEnd().split("\n").filter((line) => line.startsWith(`${runId} `));
    const begun = own.map((line) => line.split(" ")).filter(([, what]) => what === "begin");
    const last = new Map(begun.map(([, , role, execution]) => [role, execution]));
    for (const at of this.alive) {
      const roles = this.#messages(at, runId).filter(({ meta }) => meta.execution !== undefined);
      assert.deepEqual(roles.map(({ role, meta }) => [role, meta.execution]), [...last], `${runId}: ${own.join("; ")}`);
    }
  }

  #messages(at: number, runId: string): RunMessage[] {
    const reader = StoreReader.open(this.#workspaceOf(at).paths.logDatabase);
    try {
      return reader?.messages(runId, { limit: 100 }) ?? [];
    } finally {
      reader?.close();
    }
  }

  #workspaceOf(at: number): WorkspaceFixture {
    const workspace = this.#workspaces[at];
    assert.ok(workspace !== undefined);
    return workspace;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.alive.map((at) => this.kill(at)));
    await this.servers[Symbol.asyncDispose]();
    for (const workspace of this.#workspaces) await workspace[Symbol.asyncDispose]();
    for (const path of [this.file, ...this.#workspaces.map((_, at) => `${this.file}-go-${at}`)]) {
      if (await isThere(path)) await Deno.remove(path);
    }
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
