/**
 * The kernel reads text that others wrote: code that was saved, what it prints and throws, names, numbers. Danger: a text for
 * which one reader takes ever longer takes the whole daemon down; 230 bytes of code once did.
 */
import { findNearest } from "../../../src/base/did_you_mean.ts";
import { parseDuration, parseSize } from "../../../src/base/duration.ts";
import { messageOf } from "../../../src/base/errors.ts";
import { cutMessage, formatLogLine, parseLogLine } from "../../../src/base/log_line.ts";
import { describeSystemError } from "../../../src/base/os_error.ts";
import { toPrintable } from "../../../src/base/printable.ts";
import { toOneLine, toPrintableLines } from "../../../src/cli/render/terminal.ts";
import { SecretMask } from "../../../src/config/permissions/secret_mask.ts";
import { scanImports } from "../../../src/deploy/import_scanner.ts";
import { findLostNumber, nestsTooDeep, toJsonText } from "../../../src/protocol/json.ts";
import { namePattern } from "../../../src/base/name_pattern.ts";
import { describeError, placeOf, toLoadProblem } from "../../../src/sandbox/error_text.ts";
import { isLinear } from "../../support/worst_texts.ts";

const secrets = new SecretMask({
  KEY: ["-----BEGIN KEY-----", ...Array.from({ length: 40 }, (_, n) => `${n}`.repeat(30)), "-----END KEY-----"].join(
    "\n",
  ),
  TOKEN: "a".repeat(40),
  BLANK: " ".repeat(10),
});
const names = Array.from({ length: 200 }, (_, n) => `sense-${n}`);
const toError = (text: string) => Object.assign(new Error(text), { stack: `Error\n    at ${text}` });

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "the import scanner": scanImports,
  "the mask of secrets": (text) => secrets.text(text),
  "the nearest name": (text) => findNearest(text, names),
  "a message": (text) => messageOf(new Error(text)),
  "a log line": (text) =>
    parseLogLine(formatLogLine({ ts: 0, level: "warn", source: text, event: "x", message: text })),
  "a cut message": (text) => cutMessage(text, 16_000),
  "an error of the system": (text) => describeSystemError(new Deno.errors.NotFound(text)),
  "printable text": toPrintable,
  "printable lines": toPrintableLines,
  "one line": (text) => toOneLine(text, 300),
  "JSON": (text) => toJsonText({ text }, 1e9),
  "nesting": (text) => nestsTooDeep(text),
  "long numbers": (text) => findLostNumber(JSON.stringify(text)),
  "a duration": parseDuration,
  "a size": parseSize,
  "a name": (text) => namePattern.test(text),
  "what was thrown": (text) => describeError(toError(text)),
  "its place": (text) => placeOf(toError(text), "/w/senses/a/"),
  "a module that does not load": (text) => toLoadProblem(Object.assign(new TypeError(text)), "/w/senses/a/"),
};

for (const [what, read] of Object.entries(readers)) {
  Deno.test(`reading ${what} takes no more than in proportion to the text, whatever it holds`, () =>
    isLinear(what, read));
}
