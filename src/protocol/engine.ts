/** Distributed engines: what nerve.yaml says of one, and what is said of it. */
import * as z from "zod";

/** An engine of nerve.yaml. Times are in milliseconds. */
export interface EngineDefinition {
  readonly name: string;
  readonly kind: "restate";
  /** Where runs are handed over: at the first address that answers. Without a slash at the end, as the others. */
  readonly ingress: readonly string[];
  /** Where daemons are registered. */
  readonly admin: readonly string[];
  /** Where this daemon serves roles. */
  readonly hostname: string;
  readonly port: number;
  /** The same, as the server reaches it. */
  readonly endpoint: string;
  /** Requests that none of these keys has signed are refused. */
  readonly identity: readonly string[];
  /**
   * The variables with the secrets that its daemons share: the first seals what they tell each other through the server, any
   * opens it. None: nothing is sealed, and what is done about a run of another daemon is refused.
   */
  readonly secrets: readonly string[];
  /** What its services are called at the server: one name for each workspace. */
  readonly service: string;
}

export const engineViewSchema = z.object({
  name: z.string(),
  kind: z.string(),
  ingress: z.array(z.string()),
  admin: z.array(z.string()),
  endpoint: z.string(),
  /** Of the server; null while it does not answer. */
  version: z.string().nullable(),
  /** Whether this daemon listens and is registered. */
  serving: z.boolean(),
  /** Parts of the engine's runs that this daemon works on. */
  parts: z.int(),
  /** The workflows whose runs it keeps. */
  workflows: z.array(z.string()),
  runs: z.object({
    /** Those that this daemon works on. */
    here: z.int(),
    /** Those that wait for the server, or that another daemon works on. */
    elsewhere: z.int(),
    /** Those that the server does not have yet. */
    waiting: z.int(),
  }),
  /** What is wrong, and what to do about it; null: nothing. */
  problem: z.string().nullable(),
  hint: z.string().nullable(),
});
export type EngineView = z.infer<typeof engineViewSchema>;

export const engineListSchema = z.object({ items: z.array(engineViewSchema) });
export type EngineList = z.infer<typeof engineListSchema>;
