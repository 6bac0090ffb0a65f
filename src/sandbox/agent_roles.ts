/**
 * Roles that agents play. When the module is loaded, this file checks what the author wrote, and makes each a role that
 * asks the kernel (agent_prompts.ts) until the artifact fits. Used by roles.ts.
 * I1. The agent is asked at most `attempts` times; then the role fails with the last fault.
 */
import {
  agentAnswerMaxChars,
  artifactAttemptsMax,
  artifactPathMaxChars,
  defaultArtifactAttempts,
  promptInstructionsMaxBytes,
  sessionNameMaxChars,
} from "../base/agent_limits.ts";
import { roleTimeoutMaxMs, timeoutMinMs } from "../base/limits.ts";
import { namePattern } from "../base/name_pattern.ts";
import { err, ok, type Result } from "../base/result.ts";
import type { ArtifactFound, PromptAnswer, PromptAsk } from "../protocol/agent.ts";
import { isArtifactPath } from "../protocol/artifact_path.ts";
import { byteLength, isPlainObject, type Json } from "../protocol/json.ts";
import type { RoleContext, RoleResult } from "../sdk/workflow.ts";
import type { WaitContext } from "../sdk/waits.ts";
import { type ArtifactCheck, readArtifactSchema } from "./artifact_schemas.ts";
import { promptAgent } from "./agent_prompts.ts";
import { readSpan } from "./spans.ts";

/** An agent role as its author wrote it, checked. */
interface AgentPlan {
  readonly role: string;
  readonly agent: Text;
  /** The path of the persona's file; null: none. */
  readonly persona: string | null;
  readonly session: string;
  readonly cwd: Text;
  readonly prompt: Text;
  readonly phase: string | null;
  readonly artifact: { readonly path: string; readonly name: string | null; readonly check: ArtifactCheck } | null;
  readonly attempts: number;
}

type Text = string | ((context: WaitContext) => unknown);

/** The folder of a workflow's code, and the agents that it may ask. */
export interface AgentSetting {
  readonly agents: readonly string[];
  readonly folder: string;
}

const keys: readonly string[] = [
  ...["plays", "agent", "persona", "session", "cwd", "prompt", "phase", "artifact", "timeout", "attempts"],
];
const personaPattern = /^[a-z0-9][a-z0-9-]{0,63}(@[0-9]{1,9})?$/;

export function isAgentRole(role: unknown): role is Record<string, unknown> {
  return isPlainObject(role) && role.plays === "agent";
}

export interface AgentRolePlan {
  readonly run: (context: RoleContext) => Promise<RoleResult>;
  /** Null: no time limit. */
  readonly timeoutMs: number | null;
}

/** The role that the runtime runs, or what is wrong with it. */
export function readAgentRole(
  role: string,
  written: Record<string, unknown>,
  { agents, folder }: AgentSetting,
): Result<AgentRolePlan, string> {
  const unknown = Object.keys(written).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    return err(`has an unknown key ${unknown}: the keys are ${keys.filter((key) => key !== "plays").join(", ")}`);
  }
  const { agent, persona = null, session = role, cwd = ".", prompt, phase = null, timeout } = written;
  const { attempts = defaultArtifactAttempts } = written;
  if (!isText(agent)) return err("names no agent: give it agent, the name of one");
  if (typeof agent === "string" && !agents.includes(agent)) return err(describeUngranted(agent, agents));
  if (!isText(prompt)) return err("has no prompt: give it a text, or a function that returns one");
  if (!isText(cwd)) return err("has a cwd that is neither a folder nor a function that returns one");
  if (persona !== null && (typeof persona !== "string" || !personaPattern.test(persona))) {
    return err('has a persona that is no name such as "reviewer" or "reviewer@1"');
  }
  if (typeof session !== "string" || session === "" || session.length > sessionNameMaxChars) {
    return err(`has a session that is no name of 1 to ${sessionNameMaxChars} characters`);
  }
  if (phase !== null && typeof phase !== "string") return err("has a phase that is not a text");
  if (!Number.isInteger(attempts) || Number(attempts) < 1 || Number(attempts) > artifactAttemptsMax) {
    return err(`has attempts that are no whole number from 1 to ${artifactAttemptsMax}`);
  }
  const artifact = written.artifact === undefined ? ok(null) : readArtifact(written.artifact);
  if (!artifact.ok) return artifact;
  const timeoutMs = timeout === undefined ? ok(null) : readSpan("timeout", timeout, timeoutMinMs, roleTimeoutMaxMs);
  if (!timeoutMs.ok) return timeoutMs;
  const file = persona === null ? null : `${folder}personas/${persona}.md`;
  const plan = { role, agent, persona: file, session, cwd, prompt, phase, artifact: artifact.value };
  return ok({
    run: (context: RoleContext) => play({ ...plan, attempts: Number(attempts) }, context),
    timeoutMs: timeoutMs.value,
  });
}

function describeUngranted(agent: string, agents: readonly string[]): string {
  const may = agents.length === 0 ? "it may ask none" : `it may ask ${agents.join(", ")}`;
  return `asks the agent ${JSON.stringify(agent)}, which nerve.yaml does not give to this workflow: ${may}`;
}

function isText(value: unknown): value is Text {
  return typeof value === "function" || (typeof value === "string" && value !== "");
}

function readArtifact(written: unknown): Result<AgentPlan["artifact"], string> {
  if (!isPlainObject(written)) return err("has an artifact that is no object { path, schema, name }");
  const { path, schema, name = null, ...rest } = written, [unknown] = Object.keys(rest);
  if (unknown !== undefined) return err(`has an unknown key artifact.${unknown}: the keys are path, schema and name`);
  if (typeof path !== "string" || path === "" || path.length > artifactPathMaxChars) {
    return err("has an artifact without a path");
  }
  if (!isArtifactPath(path)) return err("has an artifact.path that does not lead below cwd");
  if (name !== null && typeof name !== "string") return err("has an artifact.name that is not a text");
  const check = readArtifactSchema(schema);
  return check.ok ? ok({ path, name, check: check.value }) : err(`has an artifact.schema that ${check.error}`);
}

async function play(plan: AgentPlan, context: RoleContext): Promise<RoleResult> {
  const { start, messages, config, signal } = context, shown: WaitContext = { start, messages, config };
  const { role, session, phase, artifact } = plan, asker = { runId: start.runId, round: messages.length + 1, role };
  const agent = tell("agent", plan.agent, shown), cwd = tell("cwd", plan.cwd, shown);
  if (!namePattern.test(agent)) throw new TypeError(`${JSON.stringify(agent)} is no name of an agent`);
  const first = await withPersona(plan.persona, tell("prompt", plan.prompt, shown));
  const about = { agent, session, cwd, phase, expectedArtifact: artifact?.path ?? null };
  const { json, enforced } = artifact?.check ?? { json: null, enforced: false };
  const expectedSchema = { name: artifact?.name ?? null, json, enforced };
  for (let attempt = 0, fault = "";; attempt++) {
    const instructions = attempt === 0 ? first : describeFault(artifact?.path ?? "", fault);
    const ask: PromptAsk = { ...about, expectedSchema, attempt, instructions };
    const answer = await promptAgent(asker, ask, signal);
    if (!answer.ok) throw new Error(`agent ${agent}: ${answer.message}`);
    const found = answer.artifact === null || artifact === null ? null : await check(answer.artifact, artifact.check);
    if (found === null || "value" in found) return toResult(agent, answer, attempt + 1, found?.value);
    fault = found.fault;
    if (attempt + 1 >= plan.attempts) {
      throw new Error(`agent ${agent} gave no ${artifact?.path} that fits, asked ${attempt + 1} times: ${fault}`);
    }
  }
}

async function check(found: ArtifactFound, { fits }: ArtifactCheck): Promise<ArtifactFound> {
  return "fault" in found ? found : await fits(found.value);
}

function describeFault(path: string, fault: string): string {
  return `The file ${path} that you were asked for is not as it has to be: ${fault}\n\nWrite all of it again.`;
}

function tell(key: string, text: Text, context: WaitContext): string {
  const value = typeof text === "function" ? text(context) : text;
  if (typeof value !== "string" || value === "") throw new TypeError(`its ${key} is no text`);
  if (byteLength(value) > promptInstructionsMaxBytes) throw new TypeError(`its ${key} is larger than 512 KiB`);
  return value.toWellFormed();
}

async function withPersona(file: string | null, prompt: string): Promise<string> {
  if (file === null) return prompt;
  const persona = await Deno.readTextFile(file).catch((thrown: unknown) => {
    throw thrown instanceof Deno.errors.NotFound ? new Error(`there is no persona ${file}`) : thrown;
  });
  const whole = `${persona.trimEnd()}\n\n${prompt}`;
  if (byteLength(whole) > promptInstructionsMaxBytes) throw new TypeError("persona and prompt are larger than 512 KiB");
  return whole.toWellFormed();
}

function toResult(
  agent: string,
  { sessionId, promptId, text }: Extract<PromptAnswer, { ok: true }>,
  attempts: number,
  artifact: Json | undefined,
): RoleResult {
  const meta = { agent, session: sessionId, promptId, attempts, artifact };
  return { content: text.slice(-agentAnswerMaxChars), meta };
}
