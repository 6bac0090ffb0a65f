/**
 * Finds what a module may import from its text, without a parser: every string that looks like a path. Pure; used by
 * workspace_scan.ts and code_version.ts. It errs on the side of too much: a path in a comment counts as an import, and
 * an `import()` of anything but a plain string counts as importing all of lib/. (`deno info` is exact, but takes 20 ms
 * per file.)
 */
import { pathToFileURL } from "node:url";

export interface Imports {
  /** Relative paths, absolute paths and file: URLs, as written. */
  readonly specifiers: readonly string[];
  /** True: it may import anything. */
  readonly unsure: boolean;
}

export const noImports: Imports = { specifiers: [], unsure: false };

/** File extensions of modules, which may import others. */
export const moduleExtension = /\.(ts|tsx|mts|js|jsx|mjs|cts|cjs)$/;

/** A whole string literal that begins like a path, or a template without placeholders. */
const pathLiteral = /(["'`])((?:\.{1,2}\/|\/|file:)[^"'`\\$\r\n]*)\1/g;
const dynamicImport = /\bimport\s*\(/g;
/** An unambiguous argument after that parenthesis: one plain string, with comments around it. */
const plainArgument = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*(["'`])[^"'`\\$]*\1(?:\s|\/\*[\s\S]*?\*\/)*[,)]/;
const argumentMaxChars = 4_000;
/** An escape inside a static specifier: legal, but people never write one. */
const escapedSpecifier = /\b(?:from|import)\s*(["'])[^"'\r\n]*\\[^"'\r\n]*\1/;

export function scanImports(text: string): Imports {
  const specifiers = new Set([...text.matchAll(pathLiteral)].map(([, , path = ""]) => path));
  const unsure = escapedSpecifier.test(text) || [...text.matchAll(dynamicImport)].some(({ 0: { length }, index }) => {
    return !plainArgument.test(text.slice(index + length, index + length + argumentMaxChars));
  });
  return { specifiers: [...specifiers], unsure };
}

/**
 * Resolves a specifier in the module `from` to a path in the workspace; null if it leads outside. Paths are relative
 * and use forward slashes; `root` is the workspace's absolute path.
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
    // A lone % is not part of a valid file URL.
    return null;
  }
}
