/** Steps that tests of `develop` runs repeat, in a kernel of their own. */
import assert from "node:assert/strict";
import type { ApprovalSummary } from "../../src/protocol/approval.ts";
import type { Run } from "../../src/protocol/run.ts";
import { developFiles, type DevelopOptions, developYaml, makeRepository } from "./develop_world.ts";
import { runEnd } from "./workflow_life.ts";
import { makeWorkspace, type WorkspaceFixture } from "./workspace_fixture.ts";

export class DevelopWorld implements AsyncDisposable {
  readonly workspace: WorkspaceFixture;
  readonly repo: string;
  readonly #folder: string;

  private constructor(workspace: WorkspaceFixture, repo: string, folder: string) {
    this.workspace = workspace;
    this.repo = repo;
    this.#folder = folder;
  }

  /** `prepare` gets the repository before the workspace uses it. */
  static async start(
    options: DevelopOptions = {},
    prepare: (repo: string) => Promise<void> = async () => {},
  ): Promise<DevelopWorld> {
    const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-repo-" })), repo = `${folder}/grüße an alle`;
    await makeRepository(repo);
    await prepare(repo);
    const workspace = await makeWorkspace({ yaml: developYaml(repo, options), files: developFiles() });
    await workspace.start();
    return new DevelopWorld(workspace, repo, folder);
  }

  get root(): string {
    return this.workspace.root;
  }

  begin(runId: string, more: Record<string, unknown> = {}): Promise<Run> {
    const payload = { repo: this.repo, baseBranch: "main", requirements: "Greet politely.", ...more };
    return this.workspace.kernel.startWorkflow("develop", { runId, payload: payload as never });
  }

  /** The run's request, once it waits at this gate. */
  async atGate(runId: string, gate: string): Promise<ApprovalSummary> {
    const asks = () => this.requests(runId).find((each) => each.gate === gate);
    await this.workspace.waitFor(
      (event) =>
        event.kind === "run" && event.run.runId === runId && event.run.status === "waiting" && asks() !== undefined,
      `run ${runId} to wait at ${gate}`,
    );
    return asks() ?? assert.fail();
  }

  requests(runId: string): ApprovalSummary[] {
    return this.workspace.kernel.api.approvals({ runId, all: false, limit: 10, offset: 0 }).items;
  }

  /** Decides the run's requests, as far as the options go. */
  async decide(runId: string, decisions: Readonly<Record<string, string>>): Promise<void> {
    for (const [gate, option] of Object.entries(decisions)) {
      const { id, digest } = await this.atGate(runId, gate);
      await this.workspace.kernel.api.decide(id, { option, digest, token: `t-${option}`, by: "ada" });
    }
  }

  end(runId: string): Promise<Run> {
    return runEnd(this.workspace, runId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
