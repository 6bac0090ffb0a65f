/**
 * Receives deliveries of hooks: checks that they are proven, new, and within rate and backlog, and answers once they
 * are on disk. Created by kernel/hook_wiring.ts; the listener passes requests on.
 * I1. A delivery is accepted only once its row and its keys are on disk, in one commit: from then on its senses compute
 *     for it, even after a crash.
 * I2. A delivery with a known key is not written again, even while the first one is on its way to the disk.
 * I3. Every delivery is counted under exactly one answer.
 */
import { messageOf } from "../base/errors.ts";
import { hookRetryAfterMs } from "../base/hook_limits.ts";
import { TokenBucket } from "../base/token_bucket.ts";
import { toHookSource } from "../protocol/delivery.ts";
import type { HookAnswer, HookCounters, HookDefinition, HookRequest, HookView } from "../protocol/hook.ts";
import { Backlog } from "./backlog.ts";
import { Deduplication, type KnownDelivery } from "./deduplication.ts";
import { toDeliveryRow } from "./delivery_row.ts";
import type { HookPorts } from "./ports.ts";

interface Hook {
  definition: HookDefinition;
  senses: readonly string[];
  bucket: TokenBucket;
  /** Read from the log when the first delivery comes. */
  backlog: Backlog | null;
  last: HookView["last"];
  readonly counters: { -readonly [Name in keyof HookCounters]: number };
}

type Refusal = Exclude<HookAnswer, { kind: "accepted" | "repeated" }>;

export class HookReceiver {
  readonly #ports: HookPorts;
  readonly #hooks = new Map<string, Hook>();
  readonly #known: Deduplication;
  #prepared: Promise<typeof import("./verify_delivery.ts")> | null = null;

  constructor(ports: HookPorts) {
    this.#ports = ports;
    this.#known = new Deduplication((keys) => ports.findKeys(keys));
  }

  /** `sensesOf`: the senses that compute for a hook. A hook that stays keeps its counters. */
  configure(definitions: ReadonlyMap<string, HookDefinition>, sensesOf: (hook: string) => readonly string[]): void {
    for (const name of this.#hooks.keys()) if (!definitions.has(name)) this.#hooks.delete(name);
    for (const [name, definition] of definitions) {
      const known = this.#hooks.get(name), senses = sensesOf(name);
      const bucket = this.#toBucket(definition, known);
      if (known === undefined) this.#hooks.set(name, this.#createHook({ definition, senses, bucket }));
      else Object.assign(known, { definition, senses, bucket });
    }
    // After a failure the next delivery tries again, and gets the error.
    if (definitions.size > 0) this.#prepare().catch(() => {});
  }

  /** The largest body in bytes; null when no sense computes for such a hook. */
  bodyLimitOf(name: string): number | null {
    const hook = this.#hooks.get(name);
    return hook === undefined || hook.senses.length === 0 ? null : hook.definition.maxBodyBytes;
  }

  /** The body is larger than the hook accepts. */
  onTooLarge(name: string): void {
    const hook = this.#hooks.get(name);
    if (hook === undefined) return;
    hook.counters.tooLarge++;
    this.#recordRefusal(hook, "too_large", `it has a body larger than ${hook.definition.maxBodyBytes} bytes`);
  }

  /** Null when no sense computes for such a hook. Resolves when an accepted delivery is on disk. Never rejects. */
  async receive(name: string, request: HookRequest): Promise<HookAnswer | null> {
    const prepared = await this.#prepare().catch(messageOf), hook = this.#hooks.get(name);
    if (hook === undefined || hook.senses.length === 0) return null;
    if (typeof prepared === "string") return this.#refuse(hook, toFailed(`its key cannot be looked for: ${prepared}`));
    const { findProofFault, toDeliveryKeys } = prepared;
    const { definition } = hook, { proof, dedup } = definition, now = this.#ports.clock.now();
    const secrets = definition.secrets.map((variable) => this.#ports.readSecret(variable)).filter((each) =>
      each !== null
    );
    const proven = request.proven === true;
    if (secrets.length === 0 && !proven) return this.#refuse(hook, this.#toNoSecret(hook));
    const fault = proven ? null : findProofFault(proof, secrets, request, now),
      keys = toDeliveryKeys(name, dedup, request);
    if (fault !== null) return this.#refuse(hook, { kind: "unproven", why: `it ${fault}` });
    // A token can deliver anything; a signature must not be reusable without a key of its delivery.
    if (keys === null && proof.kind !== "token" && !proven) {
      return this.#refuse(hook, { kind: "unproven", why: "it has no header with the id of the delivery" });
    }
    // I2. Nothing is awaited between the check and the row.
    const known = this.#known.find(keys ?? []);
    return await (known === null ? this.#accept(hook, request, keys ?? []) : this.#repeat(hook, known));
  }

  views(): HookView[] {
    return [...this.#hooks.values()].map((hook) => {
      const { definition: { name, verify, secrets, backlog }, senses, last, counters } = hook;
      return {
        ...{ name, path: `/hooks/${name}`, verify, secrets: [...secrets], senses: [...senses], backlog, last },
        waiting: this.#countWaiting(hook),
        counters: { ...counters },
        problem: this.#findProblem(hook),
      };
    });
  }

  #findProblem({ definition: { secrets }, senses }: Hook): string | null {
    if (senses.length === 0) return "no sense computes for it";
    const isSet = secrets.some((variable) => this.#ports.readSecret(variable) !== null);
    return isSet ? null : `its secret ${secrets.join(", ")} is not set`;
  }

  async #repeat(hook: Hook, { id, stored }: KnownDelivery): Promise<HookAnswer> {
    const lost = await stored;
    if (lost !== null) return this.#refuse(hook, toLost(lost));
    hook.counters.repeated++;
    const { name } = hook.definition, source = toHookSource(name);
    this.#ports.record({ source, type: "hook.repeated", refId: name, causeId: id, payload: { delivery: id } }, "");
    return { kind: "repeated", id };
  }

  async #accept(hook: Hook, request: HookRequest, keys: readonly string[]): Promise<HookAnswer> {
    const { backlog, rate } = hook.definition;
    if (this.#countWaiting(hook) >= backlog) {
      const why = `${backlog} deliveries wait for its senses already`;
      return this.#refuse(hook, { kind: "backlogged", why, retryAfterMs: hookRetryAfterMs });
    }
    if (!hook.bucket.tryTake()) {
      const retryAfterMs = Math.ceil(rate.perMs / rate.count);
      return this.#refuse(hook, { kind: "limited", why: "the rate of its hook is used up", retryAfterMs });
    }
    const row = toDeliveryRow(hook.definition, request);
    if (row === null) return this.#refuse(hook, { kind: "invalid", why: "it has a body that is not UTF-8 text" });
    const { id, stored } = this.#ports.append(row, keys);
    hook.backlog?.add(id);
    this.#known.add(keys, { id, stored });
    const lost = await stored;
    this.#known.remove(keys);
    if (lost !== null) {
      hook.backlog?.remove(id);
      return this.#refuse(hook, toLost(lost));
    }
    hook.counters.accepted++;
    const { key } = row.payload as { readonly key: string | null };
    hook.last = { id, ts: this.#ports.clock.now(), key };
    return { kind: "accepted", id };
  }

  #refuse(hook: Hook, refusal: Refusal): HookAnswer {
    hook.counters[refusal.kind]++;
    this.#recordRefusal(hook, refusal.kind, refusal.why);
    return refusal;
  }

  #recordRefusal({ definition: { name } }: Hook, reason: string, why: string): void {
    const payload = { reason, why };
    const isNew = this.#ports.record(
      { source: toHookSource(name), type: "hook.refused", refId: name, causeId: null, payload },
      `${reason} ${why}`,
    );
    if (isNew) this.#ports.reportProblem(name, `a delivery was refused: ${why}`);
  }

  #countWaiting(hook: Hook): number {
    const source = toHookSource(hook.definition.name), heard = this.#ports.heardUpTo(source);
    if (heard === null) return 0;
    hook.backlog ??= new Backlog(this.#ports.listDeliveries(source, heard, hook.definition.backlog));
    return hook.backlog.count(heard);
  }

  #toNoSecret({ definition: { secrets } }: Hook): Refusal {
    return toFailed(`the secret of its hook, ${secrets.join(", ")}, is not set`);
  }

  #toBucket({ rate }: HookDefinition, known: Hook | undefined): TokenBucket {
    const before = known?.definition.rate;
    if (known !== undefined && before?.count === rate.count && before.perMs === rate.perMs) return known.bucket;
    return new TokenBucket(this.#ports.clock, rate.count * 1_000 / rate.perMs, rate.count);
  }

  #createHook(of: Pick<Hook, "definition" | "senses" | "bucket">): Hook {
    const counters = {
      accepted: 0,
      repeated: 0,
      unproven: 0,
      invalid: 0,
      tooLarge: 0,
      limited: 0,
      backlogged: 0,
      failed: 0,
    };
    return { ...of, backlog: null, last: null, counters };
  }

  /** Called before the first delivery is checked. */
  #prepare(): Promise<typeof import("./verify_delivery.ts")> {
    return this.#prepared ??= Promise.all([import("./verify_delivery.ts"), this.#ports.learnKeys()]).then(
      ([proof]) => proof,
      (thrown) => {
        this.#prepared = null;
        throw thrown;
      },
    );
  }
}

function toLost(why: string): Refusal {
  return toFailed(`it could not be written: ${why}`);
}

function toFailed(why: string): Refusal {
  return { kind: "failed", why, retryAfterMs: hookRetryAfterMs };
}
