/**
 * The program of the scripted agent: speaks the Agent Client Protocol with fake_adapter.ts over its input and output,
 * and follows the scenario that comes with each prompt. Started as `nerve __agent`.
 * I1. Its memory of a conversation is a file in its home, written before a prompt is played: a prompt that ends in its
 *     death counts.
 * I2. It ends with its input.
 */
import { join } from "node:path";
import { ifPresent } from "../base/if_present.ts";
import { makePrivateFolder } from "../base/make_folder.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import type { Scenario, ScenarioEntry } from "../protocol/scenario.ts";
import { FakeTurn } from "./fake_turn.ts";
import { RpcPeer } from "./rpc_peer.ts";

/** Its memory: how many prompts there were, and how often each entry of the scenario was played. */
interface Memory {
  prompts: number;
  readonly played: Record<string, number>;
}

export async function runFakeAgent(): Promise<never> {
  const encoder = new TextEncoder(), cwds = new Map<string, string>(), turns = new Map<string, AbortController>();
  const peer: RpcPeer = new RpcPeer({
    send: (line) => writeAll(encoder.encode(line)),
    onNotification: (method, { sessionId }) => {
      if (method === "session/cancel") turns.get(String(sessionId))?.abort();
    },
    onRequest: (method, params) => {
      const id = String(params.sessionId), cwd = String(params.cwd);
      switch (method) {
        case "initialize":
          return Promise.resolve({ protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] });
        case "session/new":
          return begin(cwds, cwd);
        case "session/load":
          return load(cwds, id, cwd);
        case "session/prompt": {
          const turn = new AbortController();
          turns.set(id, turn);
          return prompt(peer, id, cwds.get(id), params, turn.signal);
        }
        default:
          return undefined;
      }
    },
  });
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) peer.receive(text);
  Deno.exit(0);
}

/** Waits for a slow reader. */
function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

function begin(cwds: Map<string, string>, cwd: string): Promise<unknown> {
  const sessionId = crypto.randomUUID();
  remember(sessionId, { prompts: 0, played: {} });
  cwds.set(sessionId, cwd);
  return Promise.resolve({ sessionId });
}

function load(cwds: Map<string, string>, id: string, cwd: string): Promise<unknown> {
  if (recall(id) === null) return Promise.reject(new Error(`there is no session ${id}`));
  cwds.set(id, cwd);
  return Promise.resolve(null);
}

async function prompt(
  peer: RpcPeer,
  id: string,
  cwd: string | undefined,
  { _meta }: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  const memory = recall(id), { nerve } = Object(_meta);
  if (memory === null || cwd === undefined) throw new Error(`there is no session ${id}`);
  const { envelope, scenario } = nerve as { readonly envelope: PromptEnvelope; readonly scenario: Scenario };
  const found = choose(scenario, envelope, memory), at = String(scenario.indexOf(found as ScenarioEntry));
  memory.prompts++;
  memory.played[at] = (memory.played[at] ?? 0) + 1;
  remember(id, memory);
  if (found === null) throw new Error("its scenario says nothing about this prompt");
  const turn = new FakeTurn({ peer, sessionId: id, cwd, envelope, prompts: memory.prompts, signal });
  return { stopReason: await turn.play(found.do) };
}

/** The first entry that matches. */
function choose(scenario: Scenario, { role, phase, attempt, instructions }: PromptEnvelope, memory: Memory) {
  return scenario.find(({ when, times }, at) =>
    (when?.role ?? role) === role && (when?.phase ?? phase) === phase && (when?.attempt ?? attempt) === attempt &&
    instructions.includes(when?.prompt ?? "") && (memory.played[at] ?? 0) < (times ?? Infinity)
  ) ?? null;
}

const memoryOf = (id: string) => join(Deno.env.get("HOME") ?? ".", "conversations", `${encodeURIComponent(id)}.json`);

function recall(id: string): Memory | null {
  const text = ifPresent(() => Deno.readTextFileSync(memoryOf(id)));
  return text === null ? null : JSON.parse(text);
}

function remember(id: string, memory: Memory): void {
  const path = memoryOf(id);
  makePrivateFolder(join(path, ".."));
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(memory));
  Deno.renameSync(`${path}.new`, path);
}

// Under Deno this file is the entry point; in a compiled nerve, main.ts calls `runFakeAgent`.
if (import.meta.main) await runFakeAgent();
