/**
 * Puts records from nerve.yaml and from nameservers into one form: names in lower case without the trailing dot,
 * addresses in their shortest form, the strings of a text joined. Used by index.ts and ask.ts.
 */
import { domainToASCII } from "node:url";
import { hideUserinfoOfInvalid } from "../../lib/url.ts";

export const types = ["A", "AAAA", "MX", "TXT", "CNAME", "NS", "PTR", "SRV"] as const;
export type Type = typeof types[number];

export interface Wanted {
  /** `NAME TYPE`. */
  readonly record: string;
  readonly name: string;
  readonly type: Type;
  /** The expected answer, sorted; null: any. */
  readonly expected: readonly string[] | null;
}

/**
 * Reads entries of the form `NAME TYPE` or `NAME TYPE VALUE`; entries with the same name and type become one record
 * with several values. Throws a TypeError that names the wrong entry.
 */
export function parseRecords(entries: readonly string[]): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const entry of entries) {
    const [, written = "", kind = "", value] = /^\s*(\S+)\s+(\w+)(?:\s+(.+?))?\s*$/s.exec(entry) ?? [];
    const type = types.find((each) => each === kind.toUpperCase()), name = parseName(written);
    if (type === undefined || name === null) {
      throw new TypeError(
        `"${hideUserinfoOfInvalid(entry).slice(0, 100)}" is no record: write NAME TYPE or NAME TYPE VALUE, of ${
          types.join(", ")
        }`,
      );
    }
    const record = `${name} ${type}`, before = wanted.get(record)?.expected ?? null;
    const expected = value === undefined ? before : sortOnce([...before ?? [], parseValue(type, value, entry)]);
    wanted.set(record, { record, name, type, expected });
  }
  return [...wanted.values()];
}

/** Returns the name in ASCII; null when it is not a name. */
export function parseName(text: string): string | null {
  const name = domainToASCII(text.replace(/\.$/, "")) || text;
  const isName = /^(?=.{1,253}$)(?:[\w-]{1,63}\.)*[\w-]{1,63}$/.test(name);
  return isName ? name.toLowerCase() : null;
}

function parseValue(type: Type, text: string, entry: string): string {
  const wrong = () => new TypeError(`"${entry.slice(0, 100)}" has no value of the type ${type}`);
  if (type === "A" && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) throw wrong();
  if (type === "AAAA" && shortenAddress(text) === null) throw wrong();
  if (type === "MX" && !/^\d+\s+\S+$/.test(text)) throw wrong();
  if (type === "SRV" && !/^\d+\s+\d+\s+\d+\s+\S+$/.test(text)) throw wrong();
  // A text may be written as in a zone file: in quoted strings.
  const isQuoted = type === "TXT" && /^(?:"[^"]*"\s*)+$/.test(text);
  return toForm(type, isQuoted ? [...text.matchAll(/"([^"]*)"/g)].map(([, part]) => part).join("") : text);
}

function toForm(type: Type, text: string): string {
  if (type === "A" || type === "TXT") return text;
  if (type === "AAAA") return shortenAddress(text) ?? text;
  return text.toLowerCase().replaceAll(/\s+/g, " ").replace(/(?<=.)\.$/, "");
}

/** Shortens an address of version 6; null when it is not one. */
function shortenAddress(text: string): string | null {
  return /^[\da-fA-F:.]+$/.test(text) ? URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1) ?? null : null;
}

/** Reads what Deno.resolveDns returns for one record of the type. */
export function readAnswer(type: Type, answer: unknown): string {
  if (typeof answer === "string") return toForm(type, answer);
  if (Array.isArray(answer)) return answer.join("");
  const { preference, exchange, priority, weight, port, target } = Object(answer);
  return toForm(type, type === "MX" ? `${preference} ${exchange}` : `${priority} ${weight} ${port} ${target}`);
}

/** Servers rotate the order, and some repeat an answer. */
export function sortOnce(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
