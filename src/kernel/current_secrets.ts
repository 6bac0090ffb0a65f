/** The mask of secrets (config/permissions/secret_mask.ts) of the configuration that is in force, for everything the kernel shows. */
import { SecretMask } from "../config/permissions/secret_mask.ts";
import type { NerveConfig } from "../config/types.ts";
import type { StoreReader } from "../store/log/reader.ts";

export class CurrentSecrets {
  readonly #config: () => NerveConfig;
  #of: NerveConfig;
  #mask: SecretMask;

  /** `config`: the configuration in force. */
  constructor(config: () => NerveConfig) {
    this.#config = config;
    this.#of = config();
    this.#mask = SecretMask.fromConfig(this.#of, Deno.env.toObject());
  }

  mask<T>(value: T): T {
    const config = this.#config();
    if (config !== this.#of) {
      this.#of = config;
      this.#mask = SecretMask.fromConfig(config, Deno.env.toObject());
    }
    return this.#mask.mask(value);
  }
}

/** What the kernel shows of its store. The rows and messages of runs are on disk as they are: runs resume from them. */
export type ShownReader = Pick<StoreReader, "logs" | "runs" | "run" | "messages">;

export function maskedReader(reader: ShownReader, secrets: CurrentSecrets): ShownReader {
  return {
    logs: (filter) => secrets.mask(reader.logs(filter)),
    runs: (query) => secrets.mask(reader.runs(query)),
    run: (runId) => secrets.mask(reader.run(runId)),
    messages: (runId, query) => secrets.mask(reader.messages(runId, query)),
  };
}
