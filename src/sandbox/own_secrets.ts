/**
 * Masks the values of the unit's own variables in what user code logs and throws, before a text is cut, joined or
 * split: afterwards the rest of a value could not be found. The kernel masks again (config/permissions/secret_mask.ts).
 * Installed by worker_main.ts; used by error_text.ts and context_helpers.ts.
 */
import { spellSecrets } from "../base/secret_spellings.ts";
import { TextMask } from "../base/text_mask.ts";

let mask = new TextMask([]);

/** `secrets`: by name, the values of the variables that count as secret. */
export function installSecrets(secrets: Readonly<Record<string, string>>): void {
  mask = new TextMask(spellSecrets(secrets));
}

export function maskOwnText(text: string): string {
  return mask.text(text);
}

/** Masks a JSON value, and its keys. */
export function maskOwnValue<T>(value: T): T {
  return mask.mask(value);
}
