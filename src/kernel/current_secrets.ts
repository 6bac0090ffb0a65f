/**
 * Masks the secrets of the configuration in force (config/permissions/secret_mask.ts) in everything the kernel shows.
 */
import type { Spelling } from "../base/text_mask.ts";
import type { Environment } from "../config/environment.ts";
import { SecretMask } from "../config/permissions/secret_mask.ts";
import type { NerveConfig } from "../config/types.ts";
import type { StoreReader } from "../store/log/reader.ts";

export class CurrentSecrets {
  readonly #inForce: () => InForce;
  /** The configuration and variables that `#mask` was made for. */
  #masked: InForce;
  #mask: SecretMask;

  /** `inForce`: the configuration and the variables that are in force. */
  constructor(inForce: () => InForce) {
    this.#inForce = inForce;
    this.#masked = inForce();
    this.#mask = SecretMask.fromConfig(this.#masked.config, this.#masked.environment);
  }

  mask<T>(value: T): T {
    return this.#current().mask(value);
  }

  /** The spellings for a thread that masks; the same list as long as the secrets are the same. */
  get spellings(): readonly Spelling[] {
    return this.#current().spellings;
  }

  #current(): SecretMask {
    const { config, environment } = this.#inForce();
    if (config !== this.#masked.config || environment !== this.#masked.environment) {
      this.#masked = { config, environment };
      this.#mask = SecretMask.fromConfig(config, environment, this.#mask);
    }
    return this.#mask;
  }
}

interface InForce {
  readonly config: NerveConfig;
  readonly environment: Environment;
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
