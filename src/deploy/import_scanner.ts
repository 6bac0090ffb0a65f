/**
 * Finds from a module's text what it may import, without a parser: every string that looks like a path. Pure; used by
 * workspace_scan.ts and code_version.ts. The result may be too large, never too small: a path in a comment counts as an
 * import, and an `import()` of anything but a plain string counts as importing all of lib/. (`deno info` is exact, but
 * takes 20 ms per file.)
 */
import { toFileUrl } from "../base/file_url.ts";

export interface Imports {
  /** Relative paths, absolute paths and file: URLs, as written. */
  readonly specifiers: readonly string[];
  /** True: the module may import anything. */
  readonly unsure: boolean;
}

export const noImports: Imports = { specifiers: [], unsure: false };

/** File extensions of modules, which may import others. */
export const moduleExtension = /\.(ts|tsx|mts|js|jsx|mjs|cts|cjs)$/;

/** A whole string literal that begins like a path, or a template without placeholders. */
const pathLiteral = /(["'`])((?:\.{1,2}\/|\/|file:)[^"'`\\$\r\n]*)\1/g;
const dynamicImport = /\bimport\s*\(/g;
/** A string in a static import or export, up to the next quote or end of line. */
const staticSpecifier = /\b(?:from|import)\s*(["'])(?=([^"'\r\n]*)\1)/g;
/** A longer module, or one with more paths, may import anything: no one writes one, and each path costs time later. */
const scannedMaxChars = 1024 * 1024;
const specifiersMax = 2_000;
/** How much of all `import()` arguments is read, in multiples of the text: an argument may contain others. */
const argumentReadsMax = 4;

/** Linear in the length of the text, whatever it contains: the kernel runs this on its main thread. */
export function scanImports(text: string): Imports {
  if (text.length > scannedMaxChars) return { specifiers: [], unsure: true };
  const specifiers = new Set<string>();
  for (const [, , path = ""] of text.matchAll(pathLiteral)) {
    specifiers.add(path);
    if (specifiers.size > specifiersMax) return { specifiers: [], unsure: true };
  }
  return { specifiers: [...specifiers], unsure: hasEscapedSpecifier(text) || hasUnsureArgument(text) };
}

/** An escape inside a static specifier: legal, but people never write one. */
function hasEscapedSpecifier(text: string): boolean {
  for (const [, , specifier = ""] of text.matchAll(staticSpecifier)) if (specifier.includes("\\")) return true;
  return false;
}

/** Whether an `import()` has an argument other than one plain string with comments around it. */
function hasUnsureArgument(text: string): boolean {
  let left = text.length * argumentReadsMax;
  for (const { 0: { length }, index } of text.matchAll(dynamicImport)) {
    const from = index + length, end = findPlainArgumentEnd(text, from);
    left -= end - from;
    if (end < 0 || left < 0) return true;
  }
  return false;
}

/** The index after a plain string and its comma or parenthesis; -1 if there is none. */
function findPlainArgumentEnd(text: string, from: number): number {
  const start = skipBlanks(text, from), quote = text[start];
  if (quote !== '"' && quote !== "'" && quote !== "`") return -1;
  let end = start + 1;
  for (; end < text.length && text[end] !== quote; end++) if ("\"'`\\$".includes(text[end] ?? "")) return -1;
  const after = skipBlanks(text, end + 1);
  return text[after] === "," || text[after] === ")" ? after + 1 : -1;
}

/** The index of the first character after blanks and comments; the length of the text if a comment does not end. */
function skipBlanks(text: string, from: number): number {
  for (let at = from;;) {
    if (text.startsWith("/*", at) || text.startsWith("//", at)) {
      const close = text[at + 1] === "*" ? "*/" : "\n", end = text.indexOf(close, at + 2);
      if (end < 0) return text.length;
      at = end + close.length;
    } else if (/\s/.test(text[at] ?? "")) at++;
    else return at;
  }
}

/**
 * Resolves a specifier in the module `from` to a path in the workspace; null if it leads outside. Paths are relative
 * and use forward slashes; `root` is the workspace's absolute path.
 */
export function resolveImport(specifier: string, from: string, root: string): string | null {
  const base = toFileUrl(`${root}/${from}`);
  if (!URL.canParse(specifier, base)) return null;
  const { protocol, pathname } = new URL(specifier, base);
  if (protocol !== "file:") return null;
  try {
    const path = decodeURIComponent(pathname);
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
  } catch {
    // A lone % is not part of a valid file URL.
    return null;
  }
}
