/** A workspace whose workflows are kept by one engine, for the list of what engines do. Black box: the kernel's API alone. */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { systemClock } from "../../src/base/clock.ts";
import { NerveError } from "../../src/base/errors.ts";
import { delay } from "../../src/base/time.ts";
import { runCli } from "../../src/cli/app.ts";
import type { KernelApi } from "../../src/kernel/kernel_api.ts";
import type { StartRunRequest } from "../../src/protocol/api.ts";
import type { Approval } from "../../src/protocol/approval.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import type { LogRow } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { CapturedIo } from "../support/captured_io.ts";
import { rowsOf, runEnd } from "../support/workflow_life.ts";
import { startWorkspace, within, type WorkspaceFixture } from "../support/workspace_fixture.ts";

/** Does the roles that its payload names, one after the other. */
export const script = `import { defineWorkflow, END, event, failRun, gate, killRun, sleep } from "nerve";
const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(undefined); });
});
let failures = new Map();
export default defineWorkflow({
  roles: {
    say: ({ messages, idempotencyKey, log }) => {
      log("info", "say " + idempotencyKey);
      return { content: "said " + (messages.length + 1), meta: { key: idempotencyKey } };
    },
    other: () => ({ content: "other", meta: {} }),
    slow: async ({ start, signal, log }) => {
      log("info", "slow " + start.runId);
      await pause(Number(start.payload.ms ?? 60_000), signal);
      return { content: "slow", meta: {} };
    },
    fails: () => { throw new Error("out of paper"); },
    flaky: {
      retry: { attempts: 3, backoff: "10ms" },
      run: ({ start }) => {
        const count = (failures.get(start.runId) ?? 0) + 1;
        failures.set(start.runId, count);
        if (count < 3) throw new Error("try " + count);
        return { content: "ok", meta: { count } };
      },
    },
    stuck: {
      retry: { attempts: 2, backoff: "10ms", exhausted: "pause" },
      run: ({ start }) => {
        const count = (failures.get(start.runId) ?? 0) + 1;
        failures.set(start.runId, count);
        if (count < 3) throw new Error("try " + count);
        return { content: "unstuck", meta: { count } };
      },
    },
    useless: { retry: { attempts: 3, backoff: "10ms", nonRetryable: ["TypeError"] }, run: () => { throw new TypeError("no use"); } },
    pure: { effect: "pure", run: ({ messages }) => ({ content: "pure " + messages.length, meta: {} }) },
    late: { timeout: "100ms", run: async ({ signal }) => { await pause(60_000, signal); throw new Error("aborted"); } },
    large: () => ({ content: "x".repeat(1024 * 1024 + 1), meta: {} }),
    full: () => ({ content: "\\u0001".repeat(1024 * 1024), meta: { text: "y".repeat(255 * 1024) } }),
    odd: () => ({ content: 1, meta: {} }),
    once: { effect: "once", run: () => { throw new Error("the bank did not answer"); } },
    ask: gate({ title: "Go on?", body: ({ messages }) => "after " + messages.length }),
    expiring: gate({ title: "Go on?", body: "", expires: "1s", onExpiry: "reject" }),
    nap: sleep("50ms"),
    until: sleep(({ start }) => new Date(start.payload.until)),
    ping: event("ping", { timeout: "1h" }),
    silence: event("silence", { timeout: "50ms" }),
  },
  moderator: ({ start, messages }) => {
    const { broken, ends } = start.payload;
    if (broken) throw new Error("no idea");
    if (messages.length === 1 && ends !== undefined) return ends === "fail" ? failRun("no paper") : killRun("no need");
    return start.payload.path[messages.length] ?? END;
  },
  finally: ({ end }) => ({ content: "closed: " + end.status }),
});
`;

/** Starts runs and waits for them, by the API alone. */
const parent = `import { children, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { all: children([{ workflow: "script", payload: { path: ["say"] } }]) },
  moderator: ({ messages }) => messages.length === 0 ? "all" : END,
});
`;

/** One whose process dies, and whose code changes. */
export const frail = `import { defineWorkflow, END, event } from "nerve";
export default defineWorkflow({
  roles: {
    first: () => ({ content: "first", meta: {} }),
    go: event("go", { timeout: "1h" }),
    last: () => ({ content: "last", meta: {} }),
    hangs: async ({ log }) => {
      log("info", "hangs");
      return await new Promise(() => {});
    },
  },
  moderator: ({ start, messages }) => start.payload.path[messages.length] ?? END,
  finally: ({ end }) => ({ content: "closed: " + end.status }),
});
`;

const bell =
  `export const compute = () => ({ path: ["say"], workflow: { name: "script", maxRounds: 5, prompt: "ding" } });
`;

/** Something that a workflow can do. */
export interface Ability {
  readonly what: string;
  /** What an engine that cannot do it says instead; absent: every engine can. */
  readonly refused?: (world: World) => Promise<void>;
  readonly act: (world: World) => Promise<void>;
}

export class World implements AsyncDisposable {
  readonly workspace: WorkspaceFixture;
  #yaml: JsonObject;
  #runs = 0;

  private constructor(workspace: WorkspaceFixture, yaml: JsonObject) {
    this.workspace = workspace;
    this.#yaml = yaml;
  }

  /** `engines`: of nerve.yaml; null: the local engine. */
  static async start(engines: JsonObject | null): Promise<World> {
    const settings = engines === null ? {} : { engine: "cluster" };
    const yaml = {
      ...engines === null ? {} : { engines },
      senses: { bell: {} },
      workflows: { script: { concurrency: 50, ...settings }, parent: settings, frail: settings },
    };
    return new World(await startWorkspace({ yaml, senses: { bell }, workflows: { script, parent, frail } }), yaml);
  }

  /** nerve.yaml with these settings too, from now on. */
  async reconfigure(more: JsonObject, workflows: JsonObject = {}): Promise<void> {
    this.#yaml = { ...this.#yaml, ...more, workflows: { ...this.#yaml.workflows as JsonObject, ...workflows } };
    this.workspace.write("nerve.yaml", stringify(this.#yaml));
    const { problems } = await this.api.reload();
    assert.deepEqual(problems.filter(({ about }) => /^workflow:(script|frail|fresh)$/.test(about)), []);
  }

  get api(): KernelApi {
    return this.workspace.kernel.api;
  }

  /** A run of these roles. */
  async start(path: readonly string[], payload: JsonObject = {}, more: StartRunRequest = {}): Promise<string> {
    const runId = more.runId ?? `run-${++this.#runs}`;
    await this.api.startRun("script", { ...more, runId, payload: { path: [...path], ...payload } });
    return runId;
  }

  async end(runId: string): Promise<Run> {
    const run = await runEnd(this.workspace, runId);
    await this.until("its finally", async () => (await this.types(runId)).includes("run.closed"));
    return run;
  }

  /** What it ended with: status and exit code. */
  async result(runId: string): Promise<[string, number | null]> {
    const { status, exitCode } = await this.end(runId);
    return [status, exitCode];
  }

  contents(runId: string): string[] {
    return this.api.records.messages(runId, { limit: 100 }).map(({ content }) => content);
  }

  roles(runId: string): string[] {
    return this.api.records.messages(runId, { limit: 100 }).map(({ role }) => role);
  }

  /** What a command prints; fails unless it ends with 0. */
  async nerve(...args: string[]): Promise<string> {
    const io = new CapturedIo({ cwd: this.workspace.root });
    assert.equal(await runCli(args, io), 0, io.err);
    return io.out;
  }

  /** The rows that lead from one, or from a run, back to its first cause. */
  async why(id: string): Promise<LogRow[]> {
    await this.workspace.rows({ limit: 1 });
    return JSON.parse(await this.nerve("why", id, "--json")).chain;
  }

  meta(runId: string, round: number): JsonObject {
    return this.api.records.messages(runId, { limit: 100 })[round - 1]?.meta ?? {};
  }

  rows(runId: string): Promise<LogRow[]> {
    return this.workspace.rows({ refId: runId });
  }

  async types(runId: string): Promise<string[]> {
    return (await this.rows(runId)).map(({ type }) => type).filter((type) => type !== "run.log");
  }

  rowsOf(runId: string, type: "run.attempt_failed" | "run.closed" | "run.paused"): Promise<Record<string, unknown>[]> {
    return rowsOf(this.workspace, runId, type);
  }

  status(runId: string): string {
    return this.api.records.run(runId)?.status ?? "none";
  }

  async until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
    const poll = async () => {
      while (!await reached()) await delay(systemClock, 10);
    };
    await within(poll(), what);
  }

  reaches(runId: string, status: string): Promise<void> {
    return this.until(`${runId} to be ${status}`, () => this.status(runId) === status);
  }

  /** The role is at work. */
  async working(runId: string): Promise<void> {
    await this.workspace.log("workflow:script", new RegExp(`slow ${runId}$`));
  }

  async asked(runId: string): Promise<Pick<Approval, "id" | "digest" | "kind">> {
    let found: Pick<Approval, "id" | "digest" | "kind"> | undefined;
    await this.until(`${runId} to ask`, () => {
      found = this.api.approvals({ limit: 100, all: false, offset: 0 }).items.find((each) => each.runId === runId);
      return found !== undefined;
    });
    assert.ok(found !== undefined);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
  }
}

/** The code of the error with which `act` rejects. */
export async function codeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
  } catch (thrown) {
    if (thrown instanceof NerveError) return thrown.code;
    throw thrown;
  }
  return "none";
}
