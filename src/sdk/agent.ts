/** `agent`: a role that an agent of nerve.yaml plays, such as a coding agent. Authors import it from "nerve". */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { Span, WaitContext } from "./waits.ts";

/**
 * The schema of an artifact: from zod or any other library that implements Standard Schema, or a JSON Schema (draft
 * 2020-12).
 */
export type ArtifactSchema =
  | {
    readonly "~standard": {
      // deno-lint-ignore no-explicit-any -- Standard Schema leaves open what a schema accepts.
      readonly validate: (value: unknown) => any;
    };
  }
  | JsonObject;

/** A JSON file that the agent must write: its answer for programs. */
export interface AgentArtifact {
  /** The path of the file, relative to `cwd`, such as `.nerve/spec.json`. */
  readonly path: string;
  /** Default: any JSON is accepted. */
  readonly schema?: ArtifactSchema;
  /** The name of the artifact in the prompt, such as `dev/spec@1`. */
  readonly name?: string;
}

/** What an agent is asked; see `agent`. Functions are synchronous, and are called once for each attempt of the role. */
export interface AgentRequest {
  /** A name under `agents` in nerve.yaml. The workflow must list it under its own `agents`. */
  readonly agent: string | ((context: WaitContext) => string);
  /** Instructions that precede the prompt: the file `personas/NAME.md` in the workflow's folder. */
  readonly persona?: string;
  /** Roles of a run that name the same session share a conversation. Default: the role's name. */
  readonly session?: string;
  /** The folder that the agent works in. Default: the workspace folder. */
  readonly cwd?: string | ((context: WaitContext) => string);
  readonly prompt: string | ((context: WaitContext) => string);
  /** The phase of the work, for the agent and the log. */
  readonly phase?: string;
  readonly artifact?: AgentArtifact;
  /** The time limit for the whole role. Default: none. */
  readonly timeout?: Span;
  /** How often the agent is asked for a valid artifact, each time with what is wrong. 1 to 20. Default: 3. */
  readonly attempts?: number;
}

/** A role that an agent plays; see `agent`. */
export interface AgentRole extends AgentRequest {
  readonly plays: "agent";
}

/** The `meta` of the role's message. Its `content` is the end of the agent's answer. */
export interface AgentMeta {
  readonly agent: string;
  /** nerve's id of the conversation. */
  readonly session: string;
  readonly promptId: string;
  /** How often the agent was asked for the artifact. */
  readonly attempts: number;
  /** The content of the artifact. */
  readonly artifact?: Json;
}

/**
 * A role that an agent plays: the agent gets a prompt, works in a folder, and its answer becomes the message. With
 * `artifact`, the agent also writes a JSON file, which is read, checked and becomes `meta.artifact`. If the file is
 * invalid, the agent is asked again, with what is wrong.
 * @example
 * ```ts
 * export default defineWorkflow({
 *   roles: {
 *     write: agent({
 *       agent: "claude",
 *       cwd: ({ config }) => String(config.repository),
 *       prompt: ({ start }) => `Write the specification of: ${start.prompt}`,
 *       artifact: { path: ".nerve/spec.json", schema: { type: "object", required: ["title"] }, name: "dev/spec@1" },
 *       timeout: "30m",
 *     }),
 *   },
 *   moderator: ({ messages }) => (messages.length === 0 ? "write" : END),
 * });
 * ```
 */
export function agent(request: AgentRequest): AgentRole {
  return { ...request, plays: "agent" };
}
