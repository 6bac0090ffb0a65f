/**
 * Decides which variables are secret, and lists the forms in which their values appear in texts. Pure; used by
 * config/permissions/secret_mask.ts in the kernel and by sandbox/own_secrets.ts, which masks first.
 */
import type { Spelling } from "./text_mask.ts";

/** Shorter values, such as `yes` or `prod`, occur in too many texts that are not secret. */
export const secretMinChars = 6;
/** Shorter parts of an encoded value occur in too many other texts. */
const encodedMinChars = 8;
/** A value with more lines is masked as a whole, and by its first lines only: each line costs time for every text. */
const maskedLinesMax = 200;
/** Variables that describe the machine and its user: their values are part of every path. */
const nonSecretNames =
  /^(HOME|PATH|PWD|OLDPWD|SHELL|USER|LOGNAME|HOSTNAME|LANG|LANGUAGE|TZ|TERM|EDITOR|TMPDIR|LC_.*|XDG_.*)$/;
/** `env: true` grants every variable; then only names such as these count as secrets. */
const secretName = /TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH|COOKIE|SESSION|DSN/i;

/** Whether the value of a granted variable is masked; `named`: the grant names it, or it is in `env_file`. */
export function isSecretVariable(name: string, named: boolean): boolean {
  return !nonSecretNames.test(name) && (named || secretName.test(name));
}

/** All forms of the values of these variables. */
export function spellSecrets(secrets: Readonly<Record<string, string>>): Spelling[] {
  return Object.entries(secrets).filter(([, value]) => value.length >= secretMinChars).flatMap(([name, value]) =>
    [...new Set(listForms(value))].map((form): Spelling => [form, `[${name}]`])
  );
}

function listForms(value: string): string[] {
  // Output is masked line by line, and messages lose the whitespace around each line.
  const lines = value.split(/\r?\n/).slice(0, maskedLinesMax).flatMap((line) => [line, line.trim()]);
  return [
    ...[value, JSON.stringify(value).slice(1, -1)],
    ...lines.filter((line) => line.length >= secretMinChars),
    ...listEncoded(value),
  ];
}

/** The value as in a URL, and as in a header of basic authentication: Base64 depends on what precedes the value. */
function listEncoded(value: string): string[] {
  const bytes = new TextEncoder().encode(value), encoded: string[] = [];
  if (value.isWellFormed()) encoded.push(encodeURIComponent(value));
  for (const before of [0, 1, 2]) {
    const whole = new Uint8Array(before + bytes.length);
    whole.set(bytes, before);
    // The characters that depend on the value alone.
    const text = whole.toBase64().slice(Math.ceil(before * 8 / 6), Math.floor(whole.length * 8 / 6));
    encoded.push(text, text.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return encoded.filter((form) => form.length >= encodedMinChars);
}
