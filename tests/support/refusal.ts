/** The errors that a test expects. */
import { NerveError } from "../../src/base/errors.ts";

/** `text`: part of the message, or a pattern for it. */
export function refusal(code: string, text: RegExp | string = ""): (thrown: unknown) => boolean {
  return (thrown) =>
    thrown instanceof NerveError && thrown.code === code &&
    (typeof text === "string" ? thrown.message.includes(text) : text.test(thrown.message));
}
