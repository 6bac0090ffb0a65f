/**
 * Masks the secrets of the configuration in force (config/permissions/secret_mask.ts) in everything the kernel shows.
 */
import { SecretMask } from "../config/permissions/secret_mask.ts";
import type { NerveConfig } from "../config/types.ts";
import type { StoreReader } from "../store/log/reader.ts";

export class CurrentSecrets {
  readonly #config: () => NerveConfig;
  /** The configuration for which `#mask` was made. */
  #maskedConfig: NerveConfig;
  #mask: SecretMask;

  /** `config`: the configuration in force. */
  constructor(config: () => NerveConfig) {
    this.#config = config;
    this.#maskedConfig = config();
    this.#mask = SecretMask.fromConfig(this.#maskedConfig, Deno.env.toObject());
  }

  mask<T>(value: T): T {
    const config = this.#config();
    if (config !== this.#maskedConfig) {
      this.#maskedConfig = config;
      this.#mask = SecretMask.fromConfig(config, Deno.env.toObject());
    }
    return this.#mask.mask(value);
  }
}

/** What the kernel shows of its store. On disk, runs and messages are unmasked: runs resume from them. */
export type ShownReader = Pick<StoreReader, "logs" | "runs" | "run" | "messages">;

export function createMaskedReader(reader: ShownReader, secrets: CurrentSecrets): ShownReader {
  return {
    logs: (filter) => secrets.mask(reader.logs(filter)),
    runs: (query) => secrets.mask(reader.runs(query)),
    run: (runId) => secrets.mask(reader.run(runId)),
    messages: (runId, query) => secrets.mask(reader.messages(runId, query)),
  };
}
