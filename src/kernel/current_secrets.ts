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
    this.#mask = SecretMask.of(this.#of, Deno.env.toObject());
  }

  in<T>(value: T): T {
    const config = this.#config();
    if (config !== this.#of) {
      this.#of = config;
      this.#mask = SecretMask.of(config, Deno.env.toObject());
    }
    return this.#mask.in(value);
  }
}

/** What the kernel shows of its store. The rows and messages of runs are on disk as they are: runs resume from them. */
export type ShownReader = Pick<StoreReader, "logs" | "runs" | "run" | "messages">;

export function maskedReader(reader: ShownReader, secrets: CurrentSecrets): ShownReader {
  return {
    logs: (filter) => secrets.in(reader.logs(filter)),
    runs: (query) => secrets.in(reader.runs(query)),
    run: (runId) => secrets.in(reader.run(runId)),
    messages: (runId, query) => secrets.in(reader.messages(runId, query)),
  };
}
