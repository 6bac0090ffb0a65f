/** The errors that a test expects. */
import { NerveError } from "../../src/base/errors.ts";

export function refusal(code: string, text: RegExp): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof NerveError && thrown.code === code && text.test(thrown.message);
}
