/**
 * Permissions that agents request from people for a tool: one request each, and the agent waits for the decision. Used
 * by agents.ts.
 * I1. Only a decision on disk gives an agent permission. When an agent no longer waits, its request is withdrawn, if
 *     need be by the next daemon.
 */
import type { ToolRequest } from "../agents/tool_permissions.ts";
import type { Approval } from "../protocol/approval.ts";
import type { SessionRecord } from "../protocol/session.ts";
import type { Store } from "../store/store.ts";
import type { AgentRequests } from "./agent_requests.ts";

const gone = "the agent does not wait for it any more";

export class ToolRequests {
  readonly #store: Store;
  readonly #requests: AgentRequests;
  /** By the id of the request. */
  readonly #waiting = new Map<string, (given: boolean) => void>();
  /** Requests are created one at a time: the number of each counts those before. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, requests: AgentRequests) {
    this.#store = store;
    this.#requests = requests;
  }

  /** Withdraws the requests that an earlier daemon left: no agent waits for them. */
  async recover(): Promise<void> {
    for (const { id, kind } of this.#store.runs.listAgentRequests()) {
      if (kind === "leave" && !this.#waiting.has(id)) await this.#requests.withdraw(id, "reject", gone);
    }
  }

  async ask({ runId, name, agent }: SessionRecord, asked: ToolRequest, signal: AbortSignal): Promise<boolean> {
    const run = this.#store.runs.get(runId), { kind, title, paths, detail } = asked;
    if (run === null || signal.aborted) return false;
    const lines = [`Agent ${agent}, session ${name}, asks permission to use a tool of the kind **${kind}**: ${title}`];
    if (paths.length > 0) lines.push(paths.map((path) => `- \`${path}\``).join("\n"));
    if (detail !== "") lines.push(detail);
    const making = this.#last.then(() =>
      this.#requests.ask(run, {
        ...{ kind: "leave", gate: "leave", role: name, title: `${agent}: ${kind}: ${title}`, body: lines.join("\n\n") },
        options: ["approve", "reject"],
      })
    );
    this.#last = making.catch(() => {});
    const id = await making;
    if (id === null) return false;
    const decided = Promise.withResolvers<boolean>(), leave = () => decided.resolve(false);
    this.#waiting.set(id, decided.resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return signal.aborted ? false : await decided.promise;
    } finally {
      signal.removeEventListener("abort", leave);
      this.#waiting.delete(id);
      if (signal.aborted) await this.#requests.withdraw(id, "reject", gone);
    }
  }

  onDecided({ id, decision }: Approval): void {
    this.#waiting.get(id)?.(decision === "approve");
  }
}
