/**
 * A delivery of a hook, as senses get it. For its listeners it is stored as a signal of the source `hook:NAME`, which
 * cannot be the name of a sense.
 */
import type { Json } from "./json.ts";

/** A delivery as `compute` gets it. `id` is the id of its log row; `ts` is milliseconds since the epoch. */
export interface HookDelivery {
  readonly id: number;
  readonly hook: string;
  readonly ts: number;
  /** The value of the header that `dedup` names; null without one. */
  readonly key: string | null;
  /** Names are in lower case. Without the headers of the proof, cookies, and the connection's own. */
  readonly headers: Readonly<Record<string, string>>;
  /** The value of a JSON body; for any other body, its text. */
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

/** All sources whose signals or deliveries a reflex follows. */
export function listFollowed({ on, hook }: { readonly on: readonly string[]; readonly hook: string | null }): string[] {
  return hook === null ? [...on] : [...on, toHookSource(hook)];
}
