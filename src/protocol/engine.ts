/** Distributed engines: their definition in nerve.yaml, and their view in the control API. */
import * as z from "zod";

/** An engine of nerve.yaml. Times are in milliseconds. */
export interface EngineDefinition {
  readonly name: string;
  readonly kind: "restate";
  /** Addresses at which runs are handed over: the first that answers. Without a trailing slash, like the others. */
  readonly ingress: readonly string[];
  /** Addresses at which daemons are registered. */
  readonly admin: readonly string[];
  /** The address at which this daemon serves roles. */
  readonly hostname: string;
  readonly port: number;
  /** The same address, as the server reaches it. */
  readonly endpoint: string;
  /** Requests must be signed by one of these keys. */
  readonly identity: readonly string[];
  /**
   * The variables with the secrets that its daemons share: the first encrypts their messages through the server, any
   * decrypts them. None: nothing is encrypted, and operations on a run of another daemon are refused.
   */
  readonly secrets: readonly string[];
  /** The name of its services at the server: one for each workspace. */
  readonly service: string;
}

export const engineViewSchema = z.object({
  name: z.string(),
  kind: z.string(),
  ingress: z.array(z.string()),
  admin: z.array(z.string()),
  endpoint: z.string(),
  /** The version of the server; null while it does not answer. */
  version: z.string().nullable(),
  /** Whether this daemon listens and is registered. */
  serving: z.boolean(),
  /** How many parts of the engine's runs this daemon works on. */
  parts: z.int(),
  /** The workflows whose runs the engine keeps. */
  workflows: z.array(z.string()),
  runs: z.object({
    /** Runs that this daemon works on. */
    here: z.int(),
    /** Runs that wait for the server, or that another daemon works on. */
    elsewhere: z.int(),
    /** Runs that the server does not have yet. */
    waiting: z.int(),
  }),
  /** What is wrong, and what to do about it; null when nothing is wrong. */
  problem: z.string().nullable(),
  hint: z.string().nullable(),
});
export type EngineView = z.infer<typeof engineViewSchema>;

export const engineListSchema = z.object({ items: z.array(engineViewSchema) });
export type EngineList = z.infer<typeof engineListSchema>;
