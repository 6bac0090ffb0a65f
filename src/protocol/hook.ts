/**
 * Hooks: their definition as every stage shares it, and how the control API shows them. src/hooks/ takes deliveries in;
 * config/ makes definitions from nerve.yaml.
 */
import * as z from "zod";

/** How a delivery proves that it comes from who has the secret. Header names are in lower case. */
export type HookProof =
  /** A MAC of the body, or of the body and what stands before it, in a header. */
  | {
    readonly kind: "hmac";
    readonly hash: "sha1" | "sha256" | "sha512";
    readonly header: string;
    /** Stands before the MAC, such as `sha256=`. */
    readonly prefix: string;
    readonly encoding: "hex" | "base64";
  }
  /** The secret itself. */
  | { readonly kind: "token"; readonly header: string; readonly prefix: string }
  /** MACs that cover a time, too: of Standard Webhooks and of Stripe. */
  | { readonly kind: "standard" }
  | { readonly kind: "stripe" };

/** What makes two deliveries the same one. */
export type HookKey = { readonly kind: "header"; readonly name: string } | { readonly kind: "body" };

/** One entry of `hooks` in nerve.yaml. */
export interface HookDefinition {
  readonly name: string;
  /** As written, for views. */
  readonly verify: string;
  /** Names of variables; a delivery needs the value of one. */
  readonly secrets: readonly string[];
  readonly proof: HookProof;
  /** Any of them: a delivery of which one is known is repeated. */
  readonly dedup: readonly HookKey[];
  readonly maxBodyBytes: number;
  readonly rate: { readonly count: number; readonly perMs: number };
  readonly backlog: number;
}

/** `listen` of nerve.yaml: an IP address, without brackets. Port 0: any free one. */
export interface ListenDefinition {
  readonly hostname: string;
  readonly port: number;
  /** Host names, beside those of the loopback, under which a proxy reaches the listener; in lower case. */
  readonly hosts: readonly string[];
}

/** Whether only programs of this machine reach it. `hostname` is that of a `ListenDefinition`. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Why an address is not opened. */
export function openListenerText(hostname: string): string {
  return `${hostname} is not of the loopback, so others reach it, and there is no token`;
}

export const openListenerHint =
  "nerve token create NAME, or write 127.0.0.1 and let a proxy with TLS or a tunnel forward to it";

export const hookCountersSchema = z.object({
  /** Deliveries that are on disk, since the start of the daemon. */
  accepted: z.int(),
  /** Deliveries that were known already. */
  repeated: z.int(),
  /** Without a right signature or token, or too old. */
  unproven: z.int(),
  /** With a body that is no text. */
  invalid: z.int(),
  tooLarge: z.int(),
  /** Over `rate`, over `backlog`. */
  limited: z.int(),
  backlogged: z.int(),
  /** The log could not be written, or the hook has no secret. */
  failed: z.int(),
});
export type HookCounters = z.infer<typeof hookCountersSchema>;

export const hookViewSchema = z.object({
  name: z.string(),
  /** Of the listener. */
  path: z.string(),
  verify: z.string(),
  /** Names of variables. */
  secrets: z.array(z.string()),
  senses: z.array(z.string()),
  /** Deliveries that a sense has not heard yet, and how many there may be. */
  waiting: z.int(),
  backlog: z.int(),
  last: z.object({ id: z.int(), ts: z.number(), key: z.string().nullable() }).nullable(),
  counters: hookCountersSchema,
  /** Why it takes no delivery; null when it does. */
  problem: z.string().nullable(),
});
export type HookView = z.infer<typeof hookViewSchema>;

export const listenerViewSchema = z.object({
  /** As nerve.yaml has it; with the port in use once it listens. */
  address: z.string(),
  listening: z.boolean(),
  problem: z.string().nullable(),
});
export type ListenerView = z.infer<typeof listenerViewSchema>;

export const hooksSchema = z.object({ listener: listenerViewSchema.nullable(), items: z.array(hookViewSchema) });
export type HookList = z.infer<typeof hooksSchema>;

/** A request to a hook: header names are in lower case. */
export interface HookRequest {
  /** It came with a token of scope hook: it needs no proof of its hook's own. */
  readonly proven?: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** `id`: the row of the delivery. */
export type HookAnswer =
  | { readonly kind: "accepted" | "repeated"; readonly id: number }
  | { readonly kind: "unproven" | "invalid"; readonly why: string }
  | { readonly kind: "limited" | "backlogged" | "failed"; readonly why: string; readonly retryAfterMs: number };
