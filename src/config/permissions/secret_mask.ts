/**
 * Masks the values of granted variables in everything that is shown or recorded: log rows, events and API answers.
 * Signals, payloads and messages that pass from user code to user code stay unmasked.
 * Used by the kernel where it writes rows and publishes events, and by the commands that read databases.
 * A value that user code has changed (encoded, split) is not recognised.
 */
import { type Spelling, TextMask } from "../../base/text_mask.ts";
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

export class SecretMask extends TextMask {
  constructor(secrets: Readonly<Record<string, string>>, before?: SecretMask) {
    const found = Object.entries(secrets).filter(([, value]) => value.length >= secretMinChars);
    const spellings = found.flatMap(([name, value]) => {
      const escaped = JSON.stringify(value).slice(1, -1);
      // Output is masked line by line.
      const lines = value.split(/\r?\n/).filter((line) => line.length >= secretMinChars);
      return [...new Set([value, escaped, ...lines])].map((maskText): Spelling => [maskText, `[${name}]`]);
    });
    const known = new Set(spellings.map(([value]) => value));
    const past = before === undefined ? [] : before.spellings.filter(([value]) => !known.has(value));
    super([...spellings, ...past.slice(0, pastSecretsMax)]);
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
}
