/**
 * Masks the values of granted variables in everything that is shown or recorded: log rows, events and API answers.
 * Signals, payloads and messages that pass from user code to user code stay unmasked.
 * Used by the kernel where it writes rows and publishes events, and by the commands that read databases.
 * A value that user code has changed (encoded, split) is not recognised.
 */
import type { Json } from "../../protocol/json.ts";
import type { Environment } from "../environment.ts";
import type { NerveConfig } from "../types.ts";

/** A shorter value, such as `yes` or `prod`, occurs in too many texts that are not secret. */
export const secretMinChars = 6;
/** Variables that describe the machine and its user: their values are part of every path. */
const nonSecretNames =
  /^(HOME|PATH|PWD|OLDPWD|SHELL|USER|LOGNAME|HOSTNAME|LANG|LANGUAGE|TZ|TERM|EDITOR|TMPDIR|LC_.*|XDG_.*)$/;
/** `env: true` grants every variable; then only names such as these count as secrets. */
const secretName = /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION|DSN/i;

/** Earlier values that a mask keeps: each costs time for every text. */
const pastSecretsMax = 100;

export class SecretMask {
  /** The longest value first: one may contain another. */
  readonly #secrets: readonly (readonly [value: string, shown: string])[];

  constructor(secrets: Readonly<Record<string, string>>, before?: SecretMask) {
    const found = Object.entries(secrets).filter(([, value]) => value.length >= secretMinChars);
    const spellings = found.flatMap(([name, value]) => {
      const escaped = JSON.stringify(value).slice(1, -1);
      // Output is masked line by line.
      const lines = value.split(/\r?\n/).filter((line) => line.length >= secretMinChars);
      return [...new Set([value, escaped, ...lines])].map((maskText) => [maskText, `[${name}]`] as const);
    });
    const known = new Set(spellings.map(([value]) => value));
    const past = before === undefined ? [] : before.#secrets.filter(([value]) => !known.has(value));
    this.#secrets = [...spellings, ...past.slice(0, pastSecretsMax)].sort(([a], [b]) => b.length - a.length);
  }

  /**
   * The mask for every variable that a sense or workflow is granted. `before`: also masks what that one does, since a
   * process with an old value may still end its work.
   */
  static fromConfig(config: NerveConfig, { all, file }: Environment, before?: SecretMask): SecretMask {
    const granted = [...config.senses.values(), ...config.workflows.values()].map(({ permissions }) => permissions.env);
    const wanted = (name: string) =>
      !nonSecretNames.test(name) && granted.some((list) => {
        if (list === true) return Object.hasOwn(file, name) || secretName.test(name);
        return list?.some((each) => each.endsWith("*") ? name.startsWith(each.slice(0, -1)) : each === name) ?? false;
      });
    const secrets = Object.entries(all).filter(([name]) => wanted(name));
    return new SecretMask(Object.fromEntries(secrets), before);
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
