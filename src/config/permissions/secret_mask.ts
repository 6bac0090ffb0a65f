/**
 * Masks the values of granted variables in everything that is shown or recorded: log rows, events and API answers.
 * Signals, payloads and messages that pass from user code to user code stay unmasked.
 * Used by the kernel where it writes rows and publishes events, and by the commands that read databases.
 * A value that user code has changed (encoded, split) is not recognised.
 */
import type { Json } from "../../protocol/json.ts";
import type { NerveConfig } from "../types.ts";

/** A shorter value, such as `yes` or `prod`, occurs in too many texts that are not secret. */
export const secretMinChars = 6;
/** Variables that describe the machine and its user: their values are part of every path. */
const nonSecretNames =
  /^(HOME|PATH|PWD|OLDPWD|SHELL|USER|LOGNAME|HOSTNAME|LANG|LANGUAGE|TZ|TERM|EDITOR|TMPDIR|LC_.*|XDG_.*)$/;
/** `env: true` grants every variable; then only names such as these count as secrets. */
const secretName = /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION|DSN/i;

export class SecretMask {
  /** The longest value first: one may contain another. */
  readonly #secrets: readonly (readonly [value: string, shown: string])[];

  constructor(secrets: Readonly<Record<string, string>>) {
    const found = Object.entries(secrets).filter(([, value]) => value.length >= secretMinChars);
    const spellings = found.flatMap(([name, value]) => {
      const escaped = JSON.stringify(value).slice(1, -1);
      return (escaped === value ? [value] : [value, escaped]).map((maskText) => [maskText, `[${name}]`] as const);
    });
    this.#secrets = spellings.sort(([a], [b]) => b.length - a.length);
  }

  /** The mask for every variable of `env` that a sense or workflow is granted. */
  static fromConfig(config: NerveConfig, env: Readonly<Record<string, string | undefined>>): SecretMask {
    const granted = [...config.senses.values(), ...config.workflows.values()].map(({ permissions }) => permissions.env);
    const wanted = (name: string) =>
      !nonSecretNames.test(name) && granted.some((list) => {
        if (list === true) return secretName.test(name);
        return list?.some((each) => each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name) ?? false;
      });
    const entries = Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && wanted(name) ? [[name, value]] : []
    );
    return new SecretMask(Object.fromEntries(entries));
  }

  text(text: string): string {
    let masked = text;
    for (const [value, shown] of this.#secrets) masked = masked.replaceAll(value, shown);
    return masked;
  }

  /**
   * Masks a JSON value, or an object with JSON fields, including its keys; the same object when there are no secrets.
   */
  mask<T>(value: T): T {
    if (this.#secrets.length === 0) return value;
    return this.#walk(value as Json) as T;
  }

  #walk(value: Json): Json {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#walk(each));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.text(key), this.#walk(inner)]));
  }
}
