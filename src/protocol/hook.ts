/**
 * Hooks: their shared definition, and how the control API shows them. src/hooks/ receives deliveries; config/ makes
 * definitions from nerve.yaml.
 */
import * as z from "zod";

/** How a delivery proves that its sender has the secret. Header names are in lower case. */
export type HookProof =
  /** A MAC of the body, in a header. */
  | {
    readonly kind: "hmac";
    readonly hash: "sha1" | "sha256" | "sha512";
    readonly header: string;
    /** The text before the MAC, such as `sha256=`. */
    readonly prefix: string;
    readonly encoding: "hex" | "base64";
  }
  /** The secret itself. */
  | { readonly kind: "token"; readonly header: string; readonly prefix: string }
  /** MACs that also cover a time: of Standard Webhooks and of Stripe. */
  | { readonly kind: "standard" }
  | { readonly kind: "stripe" };

/** What identifies a delivery: two with the same key are the same delivery. */
export type HookKey = { readonly kind: "header"; readonly name: string } | { readonly kind: "body" };

/** One entry of `hooks` in nerve.yaml. */
export interface HookDefinition {
  readonly name: string;
  /** As written, for views. */
  readonly verify: string;
  /** Names of variables; the value of any one proves a delivery. */
  readonly secrets: readonly string[];
  readonly proof: HookProof;
  /** The keys of a delivery: if any of them is known, the delivery is repeated. */
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

/** Whether only programs of this machine reach the `hostname` of a `ListenDefinition`. */
export function isLoopback(hostname: string): boolean {
  return hostname === "::1" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Why the listener is not opened at an address. */
export function openListenerText(hostname: string): string {
  return `${hostname} is not of the loopback, so others reach it, and there is no token`;
}

export const openListenerHint =
  "nerve token create NAME, or write 127.0.0.1 and let a proxy with TLS or a tunnel forward to it";

export const hookCountersSchema = z.object({
  /** Deliveries stored since the daemon started. */
  accepted: z.int(),
  /** Deliveries that were known already. */
  repeated: z.int(),
  /** Deliveries without a valid signature or token, or too old. */
  unproven: z.int(),
  /** Deliveries whose body is not text. */
  invalid: z.int(),
  tooLarge: z.int(),
  /** Deliveries over `rate`, and over `backlog`. */
  limited: z.int(),
  backlogged: z.int(),
  /** Deliveries that failed because the log could not be written, or the hook has no secret. */
  failed: z.int(),
});
export type HookCounters = z.infer<typeof hookCountersSchema>;

export const hookViewSchema = z.object({
  name: z.string(),
  /** The hook's path on the listener. */
  path: z.string(),
  verify: z.string(),
  /** Names of variables. */
  secrets: z.array(z.string()),
  senses: z.array(z.string()),
  /** Deliveries that a sense has not processed yet, and how many there may be. */
  waiting: z.int(),
  backlog: z.int(),
  last: z.object({ id: z.int(), ts: z.number(), key: z.string().nullable() }).nullable(),
  counters: hookCountersSchema,
  /** Why the hook accepts no deliveries; null when it does. */
  problem: z.string().nullable(),
});
export type HookView = z.infer<typeof hookViewSchema>;

export const listenerViewSchema = z.object({
  /** The address as in nerve.yaml; with the port in use once it listens. */
  address: z.string(),
  listening: z.boolean(),
  problem: z.string().nullable(),
});
export type ListenerView = z.infer<typeof listenerViewSchema>;

export const hooksSchema = z.object({ listener: listenerViewSchema.nullable(), items: z.array(hookViewSchema) });
export type HookList = z.infer<typeof hooksSchema>;

/** A request to a hook: header names are in lower case. */
export interface HookRequest {
  /** True: the request came with a token of scope `hook`, and needs no further proof. */
  readonly proven?: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The response to a delivery. `id`: its log row. */
export type HookAnswer =
  | { readonly kind: "accepted" | "repeated"; readonly id: number }
  | { readonly kind: "unproven" | "invalid"; readonly why: string }
  | { readonly kind: "limited" | "backlogged" | "failed"; readonly why: string; readonly retryAfterMs: number };
