/**
 * Path patterns, as in `watch` of a reflex: a path, or a glob below a folder. Pure.
 * As in a shell, `*`, `?` and `[...]` match within one name, but not names that begin with a dot; `{a,b}` is either;
 * `**` is any number of folders.
 */
import { join, resolve } from "node:path";
import { err, ok, type Result } from "./result.ts";

export interface PathPattern {
  /** As it was written. */
  readonly text: string;
  /** The absolute path of the file or folder itself, or of the folder below which the glob matches. */
  readonly base: string;
  /**
   * What a path below `base` must match; null: the pattern is not a glob, and everything below `base` belongs to it.
   */
  readonly glob: RegExp | null;
  /** How many levels below `base` can match. */
  readonly levels: number;
}

const special = /[*?[\]{}]/;

/** `home`: the folder that `~` stands for; null: there is none. */
export function parsePathPattern(text: string, root: string, home: string | null): Result<PathPattern, string> {
  if (text.trim() === "") return err("is empty");
  if (text.includes("\0")) return err("holds a zero byte");
  const isHome = text === "~" || text.startsWith("~/");
  if (text.startsWith("~") && !isHome) return err("nothing is expanded in it but ~/");
  if (isHome && home === null) return err("there is no home folder to replace ~");
  const whole = isHome ? join(home ?? "", text.slice(2)) : text;
  const parts = whole.split("/"), first = parts.findIndex((part) => special.test(part));
  if (first < 0) return ok({ text, base: resolve(root, whole), glob: null, levels: Infinity });
  const base = resolve(root, parts.slice(0, first).join("/") || (whole.startsWith("/") ? "/" : "."));
  const rest = parts.slice(first).filter((part) => part !== "" && part !== ".");
  if (rest.includes("..")) return err(".. cannot follow a glob");
  const source = toSource(rest);
  if (!source.ok) return source;
  return ok({ text, base, glob: source.value, levels: rest.includes("**") ? Infinity : rest.length });
}

/** Whether the absolute path belongs to the pattern. */
export function matchesPattern({ base, glob }: PathPattern, path: string): boolean {
  const below = pathBelow(base, path);
  if (glob === null) return below !== null;
  return below !== null && below !== "" && glob.test(below);
}

/**
 * The path from `base` to `path`, `""` for `base` itself; null when it lies elsewhere. Both are absolute and
 * normalized.
 */
export function pathBelow(base: string, path: string): string | null {
  if (path === base) return "";
  const folder = base.endsWith("/") ? base : `${base}/`;
  return path.startsWith(folder) ? path.slice(folder.length) : null;
}

function toSource(parts: readonly string[]): Result<RegExp, string> {
  let source = "";
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (part === "**") source += isLast ? "(?:(?!\\.)[^/]+/)*(?!\\.)[^/]+" : "(?:(?!\\.)[^/]+/)*";
    else if (part.includes("**")) return err("** stands alone between slashes");
    else {
      const name = nameToSource(part);
      if (!name.ok) return name;
      source += `${name.value}${isLast ? "" : "/"}`;
    }
  }
  try {
    return ok(new RegExp(`^${source}$`, "u"));
  } catch {
    return err("has a range in [] that ends before it begins");
  }
}

/** The source of one name of a glob. Braces may hold names with stars, but cannot be nested. */
function nameToSource(part: string): Result<string, string> {
  let source = /^[*?[]/.test(part) ? "(?!\\.)" : "", depth = 0;
  for (let at = 0; at < part.length; at++) {
    const char = part[at] ?? "";
    if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = part.indexOf("]", at + 2), set = part.slice(at + 1, end);
      if (end < 0) return err("has [ without ]");
      source += `(?!/)[${set.replace(/^!/, "^").replace(/[\\[\]]/g, "\\$&")}]`;
      at = end;
    } else if (char === "{" && depth++ > 0) return err("has braces in braces");
    else if (char === "{") source += "(?:";
    else if (char === "}" && --depth < 0) return err("has } without {");
    else if (char === "}") source += ")";
    else if (char === "," && depth > 0) source += "|";
    else source += /[\\^$.|+()\]]/.test(char) ? `\\${char}` : char;
  }
  return depth === 0 ? ok(source) : err("has { without }");
}
