/**
 * What a module may import, read from its text without a parser: every string that looks like a path. Pure; used by
 * workspace_scan.ts and code_version.ts. It errs on the side of too much: a path in a comment counts as imported, and an
 * `import()` of something that is not a plain string as everything in lib/. (`deno info` is exact and takes 20 ms a file.)
 */
import { pathToFileURL } from "node:url";

export interface Imports {
  /** Relative paths, absolute paths and file: addresses, as written. */
  readonly specifiers: readonly string[];
  /** True: it may import anything. */
  readonly unsure: boolean;
}

export const noImports: Imports = { specifiers: [], unsure: false };

/** Endings of files that may import others. */
export const moduleEnding = /\.(ts|tsx|mts|js|jsx|mjs|cts|cjs)$/;

/** A whole string literal that begins as a path does; also in templates, where nothing is put in. */
const pathLiteral = /(["'`])((?:\.{1,2}\/|\/|file:)[^"'`\\$\r\n]*)\1/g;
const dynamicImport = /\bimport\s*\(/g;
/** What may follow that bracket without leaving a doubt: one plain string, and comments around it. */
const plainArgument = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*(["'`])[^"'`\\$]*\1(?:\s|\/\*[\s\S]*?\*\/)*[,)]/;
const argumentMaxChars = 4_000;
/** An escape inside a static specifier: legal, and never written by people. */
const escapedSpecifier = /\b(?:from|import)\s*(["'])[^"'\r\n]*\\[^"'\r\n]*\1/;

export function importsOf(text: string): Imports {
  const specifiers = new Set([...text.matchAll(pathLiteral)].map(([, , path = ""]) => path));
  const unsure = escapedSpecifier.test(text) || [...text.matchAll(dynamicImport)].some(({ 0: { length }, index }) => {
    return !plainArgument.test(text.slice(index + length, index + length + argumentMaxChars));
  });
  return { specifiers: [...specifiers], unsure };
}

/**
 * The path in the workspace that a specifier in the module `from` leads to, or null for one outside of it. Paths have
 * forward slashes and no leading one; `root` is the workspace's absolute path.
 */
export function resolveImport(specifier: string, from: string, root: string): string | null {
  const base = pathToFileURL(`${root}/${from}`);
  if (!URL.canParse(specifier, base)) return null;
  const { protocol, pathname } = new URL(specifier, base);
  if (protocol !== "file:") return null;
  try {
    const path = decodeURIComponent(pathname);
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : null;
  } catch {
    // A lone % is no address of a file that exists.
    return null;
  }
}
