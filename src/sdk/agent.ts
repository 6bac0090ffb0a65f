/** `agent`: a role that an agent of nerve.yaml plays, such as a coding agent. Authors import it from "nerve". */
import type { Json, JsonObject } from "../protocol/json.ts";
import type { Span, WaitContext } from "./waits.ts";

/**
 * What an artifact must look like: a schema of zod, or of any library that follows Standard Schema; or a JSON Schema,
 * draft 2020-12.
 */
export type ArtifactSchema =
  | {
    readonly "~standard": {
      // deno-lint-ignore no-explicit-any -- Standard Schema leaves open what a schema accepts.
      readonly validate: (value: unknown) => any;
    };
  }
  | JsonObject;

/** A file of JSON that the agent has to write: its answer for programs. */
export interface AgentArtifact {
  /** Below `cwd`, such as `.nerve/spec.json`. */
  readonly path: string;
  /** Default: any JSON. */
  readonly schema?: ArtifactSchema;
  /** What the agent is told that it is, such as `dev/spec@1`. */
  readonly name?: string;
}

/** What an agent is asked; see `agent`. Functions are called once for each attempt of the role, and answer at once. */
export interface AgentRequest {
  /** A name of `agents` in nerve.yaml, which the workflow lists under its own `agents`. */
  readonly agent: string | ((context: WaitContext) => string);
  /** Instructions that come before the prompt: the file `personas/NAME.md` in the folder of the workflow. */
  readonly persona?: string;
  /** Roles of a run with the same session share a conversation. Default: the role's name. */
  readonly session?: string;
  /** The folder that it works in. Default: the folder of the workspace. */
  readonly cwd?: string | ((context: WaitContext) => string);
  readonly prompt: string | ((context: WaitContext) => string);
  /** What phase of the work this is, for the agent and the log. */
  readonly phase?: string;
  readonly artifact?: AgentArtifact;
  /** The longest time for the whole role. Default: none. */
  readonly timeout?: Span;
  /** How often it is asked for an artifact that fits; each time it is told what is wrong. 1 to 20. Default: 3. */
  readonly attempts?: number;
}

/** A role that an agent plays; see `agent`. */
export interface AgentRole extends AgentRequest {
  readonly plays: "agent";
}

/** The `meta` of its message; the content is the end of what it has answered. */
export interface AgentMeta {
  readonly agent: string;
  /** nerve's id of the conversation. */
  readonly session: string;
  readonly promptId: string;
  /** How often it was asked. */
  readonly attempts: number;
  /** What is in the file that it was asked for. */
  readonly artifact?: Json;
}

/**
 * A role that an agent plays: it gets a prompt, works in a folder, and its answer is the message. With `artifact` the
 * answer is a file of JSON too, which is read, checked and becomes `meta.artifact`; one that does not fit goes back to
 * the agent with what is wrong.
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
