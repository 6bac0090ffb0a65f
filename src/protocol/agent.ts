/**
 * Agents: programs that get prompts from the roles of workflows (`agents` in nerve.yaml), and what is said about a prompt
 * between the role, the kernel and the agent. agents/ talks to them, sandbox/agent_prompts.ts asks for it.
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

/** What an agent has used, as far as it says; cost in the currency of its maker. */
export interface AgentUsage {
  readonly tokens: number;
  readonly cost: number;
  readonly timeMs: number;
}

/** Where a person is asked, and where the run is paused; null: nowhere. */
export interface BudgetLimit {
  readonly soft: number | null;
  readonly hard: number | null;
}

/** What an agent may use in one run; null: as much as it likes. */
export type AgentBudget = Readonly<Record<keyof AgentUsage, BudgetLimit | null>>;

export const noBudget: AgentBudget = { tokens: null, cost: null, timeMs: null };

/** An entry of `agents`. */
export interface AgentDefinition {
  readonly name: string;
  readonly protocol: AgentProtocol;
  /** The program and its arguments; `{prompt}` and `{session}` stand for the prompt and the id of its conversation. */
  readonly command: readonly string[];
  /** The same for every further prompt of a conversation; null: each prompt begins a new one. */
  readonly resume: readonly string[] | null;
  /** The field of a line of JSON in which the agent prints the id of the conversation; null: nerve chooses it. */
  readonly sessionField: string | null;
  /**
   * What it may do when it asks for leave, what a person is asked about, and what it may not: rules, see `parseToolRule`. What
   * none of them names is refused.
   */
  readonly allow: readonly string[];
  readonly ask: readonly string[];
  readonly deny: readonly string[];
  readonly budget: AgentBudget;
  /** Whether Landlock holds it; else it may do all that the user may. */
  readonly confined: boolean;
  /** Paths that a confined agent reads, beside the system, its folder and its home; as written. */
  readonly read: readonly string[];
  /** The variables that its programs get. */
  readonly env: readonly string[];
  /** How many of its prompts are under way at a time. */
  readonly maxSessions: number;
  /** What the last line on a terminal looks like when its program waits for a prompt, as a regular expression; null: any. */
  readonly ready: string | null;
  /** How long that program prints nothing then. */
  readonly idleMs: number;
  /** What a scripted agent does: the path of a file in the workspace, or what would be in it; null: it decides itself. */
  readonly scenario: string | Scenario | null;
}

const askSchema = z.object({
  agent: nameSchema,
  session: z.string().min(1).max(sessionNameMaxChars),
  cwd: z.string().min(1).max(artifactPathMaxChars),
  phase: z.string().max(roleNameMaxChars).nullable(),
  /** From 0: how often the agent was asked for this artifact before. */
  attempt: z.int().min(0),
  instructions: z.string().max(promptInstructionsMaxBytes),
  /** A path below `cwd`. */
  expectedArtifact: z.string().max(artifactPathMaxChars).refine(isArtifactPath, "must lead below cwd").nullable(),
  /** Its name, and its JSON Schema as text, if there is one. `enforced`: the kernel checks it, not the role. */
  expectedSchema: z.object({
    name: z.string().nullable(),
    json: z.string().max(artifactSchemaMaxBytes).nullable(),
    enforced: z.boolean(),
  }),
});
/** What a role asks an agent. */
export type PromptAsk = z.infer<typeof askSchema>;

/** What is in an artifact; or what is wrong with it, for the agent. */
export type ArtifactFound = { readonly value: Json } | { readonly fault: string };

/** `promptId` is the same for a prompt that is asked again, because the process of its workflow has died. */
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

/** Process to kernel, for a run that is assigned to it: `n` counts the prompts of the process. */
export const promptSchema = z.object({
  t: z.literal("prompt"),
  ...promptRef,
  round: z.int().min(1),
  role: z.string().min(1).max(roleNameMaxChars),
  ask: askSchema,
});
/** The role has given up: its time is over, or its run. */
export const promptEndSchema = z.object({ t: z.literal("prompt_end"), ...promptRef });

export type PromptReport = z.infer<typeof promptSchema> | z.infer<typeof promptEndSchema>;

/** Kernel to process. */
export interface Prompted {
  readonly t: "prompted";
  readonly n: number;
  readonly answer: PromptAnswer;
}

/** Of a prompt's line, every character as six bytes of JSON. */
export const promptLineMaxBytes: number = 32 * 1024 + 6 * promptInstructionsMaxBytes + 6 * artifactSchemaMaxBytes;

/** What an agent is told with a prompt. */
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
