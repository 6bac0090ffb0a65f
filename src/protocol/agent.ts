/**
 * Agents: programs that get prompts from the roles of workflows (`agents` in nerve.yaml), and the messages about a
 * prompt between the role, the kernel and the agent. agents/ talks to agents, sandbox/agent_prompts.ts sends the
 * prompts.
 */
import * as z from "zod";
import {
  artifactPathMaxChars,
  artifactSchemaMaxBytes,
  promptInstructionsMaxBytes,
  sessionNameMaxChars,
} from "../base/agent_limits.ts";
import { roleNameMaxChars } from "../base/limits.ts";
import { isArtifactPath } from "./artifact_path.ts";
import type { Json } from "./json.ts";
import { runIdSchema } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { nameSchema } from "./signal.ts";

export const agentProtocols = ["command", "acp", "terminal", "fake"] as const;
export type AgentProtocol = (typeof agentProtocols)[number];

/** What an agent has used, as far as it reports it; cost in its vendor's currency. */
export interface AgentUsage {
  readonly tokens: number;
  readonly cost: number;
  readonly timeMs: number;
}

/** The limits at which a person is asked (`soft`) and the run is paused (`hard`); null: none. */
export interface BudgetLimit {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** What an agent may use in one run; null: no limit. */
export type AgentBudget = Readonly<Record<keyof AgentUsage, BudgetLimit | null>>;

export const noBudget: AgentBudget = { tokens: null, cost: null, timeMs: null };

/** An entry of `agents`. */
export interface AgentDefinition {
  readonly name: string;
  readonly protocol: AgentProtocol;
  /** The program and its arguments; `{prompt}` and `{session}` stand for the prompt and the id of its conversation. */
  readonly command: readonly string[];
  /** The same for each further prompt of a conversation; null: each prompt begins a new conversation. */
  readonly resume: readonly string[] | null;
  /** The field of a JSON line in which the agent prints the conversation's id; null: nerve chooses the id. */
  readonly sessionField: string | null;
  /**
   * Rules for the agent's requests for leave, see `parseToolRule`: granted, put to a person, or refused. A request that
   * no rule names is refused.
   */
  readonly allow: readonly string[];
  readonly ask: readonly string[];
  readonly deny: readonly string[];
  readonly budget: AgentBudget;
  /** Whether Landlock confines the agent; if not, it may do everything that the user may. */
  readonly confined: boolean;
  /** Paths that a confined agent may read, besides the system, its folder and its home; as written. */
  readonly read: readonly string[];
  /** The environment variables that its programs get. */
  readonly env: readonly string[];
  /** How many of its prompts may run at a time. */
  readonly maxSessions: number;
  /** A regular expression for the last line on the terminal when its program waits for a prompt; null: any line. */
  readonly ready: string | null;
  /** How long that program must print nothing to count as waiting. */
  readonly idleMs: number;
  /** The scenario of a scripted agent, or the path of its file in the workspace; null: the agent decides itself. */
  readonly scenario: string | Scenario | null;
}

const askSchema = z.object({
  agent: nameSchema,
  session: z.string().min(1).max(sessionNameMaxChars),
  cwd: z.string().min(1).max(artifactPathMaxChars),
  phase: z.string().max(roleNameMaxChars).nullable(),
  /** How often the agent was asked for this artifact before, from 0. */
  attempt: z.int().min(0),
  instructions: z.string().max(promptInstructionsMaxBytes),
  /** A path below `cwd`. */
  expectedArtifact: z.string().max(artifactPathMaxChars).refine(isArtifactPath, "must lead below cwd").nullable(),
  /**
   * The artifact's name, and its JSON Schema as text, if there is one. `enforced`: the kernel checks it, not the role.
   */
  expectedSchema: z.object({
    name: z.string().nullable(),
    json: z.string().max(artifactSchemaMaxBytes).nullable(),
    enforced: z.boolean(),
  }),
});
/** What a role asks an agent. */
export type PromptAsk = z.infer<typeof askSchema>;

/** The content of an artifact, or what is wrong with it, for the agent. */
export type ArtifactFound = { readonly value: Json } | { readonly fault: string };

/** `promptId` stays the same when a prompt is sent again because the process of its workflow died. */
export type PromptAnswer =
  | {
    readonly ok: true;
    readonly promptId: string;
    readonly sessionId: string;
    readonly text: string;
    /** Null: none was expected. */
    readonly artifact: ArtifactFound | null;
  }
  | { readonly ok: false; readonly message: string };

const promptRef = { runId: runIdSchema, n: z.int().min(1) };

/** Process to kernel, for a run that is assigned to the process. `n` counts the prompts of the process. */
export const promptSchema = z.object({
  t: z.literal("prompt"),
  ...promptRef,
  round: z.int().min(1),
  role: z.string().min(1).max(roleNameMaxChars),
  ask: askSchema,
});
/** The role no longer waits: its time is up, or its run has ended. */
export const promptEndSchema = z.object({ t: z.literal("prompt_end"), ...promptRef });

export type PromptReport = z.infer<typeof promptSchema> | z.infer<typeof promptEndSchema>;

/** Kernel to process. */
export interface Prompted {
  readonly t: "prompted";
  readonly n: number;
  readonly answer: PromptAnswer;
}

/** The longest line of a prompt, with every character as six bytes of JSON. */
export const promptLineMaxBytes: number = 32 * 1024 + 6 * promptInstructionsMaxBytes + 6 * artifactSchemaMaxBytes;

/** The data that an agent gets with a prompt. */
export interface PromptEnvelope {
  readonly uuid: string;
  readonly runId: string;
  readonly role: string;
  readonly phase: string | null;
  readonly attempt: number;
  /** An absolute path. */
  readonly expectedArtifact: string | null;
  readonly expectedSchema: PromptAsk["expectedSchema"];
  readonly dedupKey: string;
  readonly instructions: string;
}
