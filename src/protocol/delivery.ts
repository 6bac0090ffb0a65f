/**
 * A delivery of a hook, as senses get it. It is kept for the senses that listen as a signal of the source `hook:NAME`,
 * which is no name of a sense.
 */
import type { Json } from "./json.ts";

/** What `compute` gets of a delivery. `id` is the id of its log row; `ts` is milliseconds. */
export interface HookDelivery {
  readonly id: number;
  readonly hook: string;
  readonly ts: number;
  /** The value of the header that `dedup` names; null without one. */
  readonly key: string | null;
  /** Names in lower case; without those that hold the proof, cookies and the connection's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** The value of a JSON body; else its text. */
  readonly body: Json;
}

const sourcePrefix = "hook:";

/** The source of a hook's deliveries. */
export function toHookSource(hook: string): `hook:${string}` {
  return `${sourcePrefix}${hook}`;
}

/** The name of the hook; null when the source is a sense or an alert. */
export function hookOf(source: string): string | null {
  return source.startsWith(sourcePrefix) ? source.slice(sourcePrefix.length) : null;
}

/** Everything whose signals or deliveries a reflex follows. */
export function listFollowed({ on, hook }: { readonly on: readonly string[]; readonly hook: string | null }): string[] {
  return hook === null ? [...on] : [...on, toHookSource(hook)];
}
