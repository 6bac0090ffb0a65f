/**
 * Takes the values of granted variables out of whatever is shown or recorded. Signals, payloads and messages on their
 * way from one piece of user code to another stay as they are; rows of the log, events and answers are masked.
 * Used by the kernel at the places where rows are written and news leave it, and by the commands that read databases.
 * A value that user code has changed (encoded, cut in two) is not recognised.
 */
import type { Json } from "../../protocol/json.ts";
import type { NerveConfig } from "../types.ts";

/** A shorter value, such as `yes` or `prod`, is found in too much that is no secret. */
export const secretMinChars = 6;
/** Variables that tell of the machine and its user: their values stand in every path. */
const nonSecretNames =
  /^(HOME|PATH|PWD|OLDPWD|SHELL|USER|LOGNAME|HOSTNAME|LANG|LANGUAGE|TZ|TERM|EDITOR|TMPDIR|LC_.*|XDG_.*)$/;
/** `env: true` grants all there is; then only names such as these are taken for secrets. */
const secretName = /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION|DSN/i;

export class SecretMask {
  /** The longest first: one value may hold another. */
  readonly #secrets: readonly (readonly [value: string, shown: string])[];

  constructor(secrets: Readonly<Record<string, string>>) {
    const found = Object.entries(secrets).filter(([, value]) => value.length >= secretMinChars);
    const spelt = found.flatMap(([name, value]) => {
      const escaped = JSON.stringify(value).slice(1, -1);
      return (escaped === value ? [value] : [value, escaped]).map((maskText) => [maskText, `[${name}]`] as const);
    });
    this.#secrets = spelt.sort(([a], [b]) => b.length - a.length);
  }

  /** The values, in `env`, of every variable that a sense or workflow was granted. */
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

  /** A value of JSON, or of fields that are; the same one when there is nothing to mask. Keys are masked as well. */
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
