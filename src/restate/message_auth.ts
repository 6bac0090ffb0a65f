/**
 * Seals the messages that daemons send each other through a server: anyone who reaches its ingress can send it
 * messages. Used by restate_engine.ts.
 * I1. With a secret, only messages sealed with one of the secrets are opened. Without one, all runs are accepted, and
 *     no commands.
 */
import { NerveError } from "../base/errors.ts";
import type { EngineDefinition } from "../protocol/engine.ts";

/** The purpose of a seal: the seal of a run is not valid for a command. */
export type SealedKind = "run" | "command";

/** A message as it passes through the server. `mac`: hexadecimal; null: its daemon has no secret. */
export interface Sealed {
  readonly body: string;
  readonly mac: string | null;
}

const algorithm = { name: "HMAC", hash: "SHA-256" } as const;

export class MessageAuth {
  readonly #engine: Pick<EngineDefinition, "name" | "service" | "secrets">;
  /** The value of a variable; null: it is not set. */
  readonly #readSecret: (variable: string) => string | null;

  constructor(
    engine: Pick<EngineDefinition, "name" | "service" | "secrets">,
    readSecret: (variable: string) => string | null,
  ) {
    this.#engine = engine;
    this.#readSecret = readSecret;
  }

  /** Whether nerve.yaml names a secret. */
  get hasSecret(): boolean {
    return this.#engine.secrets.length > 0;
  }

  async seal(kind: SealedKind, value: unknown): Promise<Sealed> {
    const body = JSON.stringify(value), [variable] = this.#engine.secrets;
    if (variable === undefined) return { body, mac: null };
    const key = await this.#import(variable);
    return { body, mac: new Uint8Array(await crypto.subtle.sign(algorithm, key, this.#textOf(kind, body))).toHex() };
  }

  /** Returns the sealed value. Rejects with ENGINE_WRONG when there is no valid seal. */
  async open(kind: SealedKind, sealed: unknown): Promise<unknown> {
    const { name, secrets } = this.#engine;
    if (!isSealed(sealed)) throw this.#toRefused(kind, "is not from a daemon of this version");
    const { body, mac } = sealed;
    if (kind === "command" && secrets.length === 0) throw toNoSecret(name);
    for (const variable of secrets) {
      const key = await this.#import(variable);
      if (mac !== null && await crypto.subtle.verify(algorithm, key, fromHex(mac), this.#textOf(kind, body))) {
        return JSON.parse(body);
      }
    }
    if (secrets.length > 0) {
      throw this.#toRefused(kind, mac === null ? "has no seal" : "is sealed with another secret");
    }
    return JSON.parse(body);
  }

  #textOf(kind: SealedKind, body: string): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(`${this.#engine.service}\n${kind}\n${body}`);
  }

  async #import(variable: string): Promise<CryptoKey> {
    const secret = this.#readSecret(variable), { name } = this.#engine;
    if (secret === null || secret === "") {
      throw new NerveError("ENGINE_WRONG", `the secret of engine ${name}, ${variable}, is not set`, {
        hint: `write ${variable} into the env_file of nerve.yaml: the same at each daemon`,
      });
    }
    return await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["sign", "verify"]);
  }

  #toRefused(kind: SealedKind, why: string): NerveError {
    const { name } = this.#engine;
    return new NerveError("ENGINE_WRONG", `engine ${name} handed over a ${kind} that ${why}: it is refused`, {
      hint: `give each daemon the same engines.${name}.secret, and keep the server's ingress to yourself`,
    });
  }
}

/** The error for a command to another daemon, which could not verify the sender. */
export function toNoSecret(engine: string): NerveError {
  return new NerveError("ENGINE_WRONG", `another daemon works on the run, and engine ${engine} has no secret`, {
    hint: `write engines.${engine}.secret: env ENGINE_SECRET into nerve.yaml of each daemon, or ask that daemon`,
  });
}

function isSealed(value: unknown): value is Sealed {
  if (typeof value !== "object" || value === null) return false;
  const { body, mac } = value as Partial<Record<keyof Sealed, unknown>>;
  return typeof body === "string" && (mac === null || typeof mac === "string");
}

/** The bytes; none if the text is not hexadecimal. */
function fromHex(text: string): Uint8Array<ArrayBuffer> {
  return /^([0-9a-f]{2})*$/.test(text) ? Uint8Array.fromHex(text) : new Uint8Array();
}
