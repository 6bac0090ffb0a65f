/** The imports and exports of each module of nerve, read from its syntax, including types. For the house tests. */
import { parse } from "@babel/parser";
import { dirname, join } from "node:path/posix";
import { isPlainObject } from "../../src/protocol/json.ts";
import { readSource, sourceFiles } from "./source_files.ts";

export interface SourceModule {
  /** In the repository: `src/base/clock.ts`. */
  readonly path: string;
  /** nerve's modules that it imports, statically, dynamically or for a type. */
  readonly imports: readonly string[];
  /** Names that are declared here and exported. */
  readonly exports: readonly string[];
}

/** Every module below these folders. */
export function sourceModules(folders: readonly string[]): SourceModule[] {
  return sourceFiles(folders, ".ts").map((path) => moduleOf(path, readSource(path)));
}

export function moduleOf(path: string, source: string): SourceModule {
  const imports = new Set<string>(), exports = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isPlainObject(node)) return;
    const { type, source, argument, declaration } = node;
    // `import x from`, `export x from`, `import("x")`, and `import("x")` as a type.
    for (const from of type === "TSImportType" ? [argument] : [source]) {
      const specifier = isPlainObject(from) ? literalOf(from) : null;
      if (specifier?.startsWith(".")) imports.add(join(dirname(path), specifier));
    }
    if (type === "ExportNamedDeclaration" && isPlainObject(declaration)) {
      for (const name of declaredNames(declaration)) exports.add(name);
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(parse(source, { sourceType: "module", plugins: ["typescript", "importAttributes"] }).program);
  return { path, imports: [...imports], exports: [...exports] };
}

/** The text of a string, which a type wraps in a node of its own. */
function literalOf(node: Record<string, unknown>): string | null {
  if (typeof node.value === "string") return node.value;
  return isPlainObject(node.literal) ? literalOf(node.literal) : null;
}

function declaredNames(declaration: Record<string, unknown>): string[] {
  const { id, declarations } = declaration;
  if (isPlainObject(id) && typeof id.name === "string") return [id.name];
  return Array.isArray(declarations)
    ? declarations.flatMap((each) => isPlainObject(each) ? declaredNames(each) : [])
    : [];
}

/** Groups of modules that import each other in a cycle, each sorted. */
export function circlesOf(modules: readonly SourceModule[]): string[][] {
  const byPath = new Map(modules.map((each) => [each.path, each]));
  const reach = new Map(modules.map(({ path }) => [path, reachable(path, byPath)]));
  const circles = new Map<string, string[]>();
  for (const { path } of modules) {
    if (reach.get(path)?.has(path) !== true) continue;
    const circle = [...reach.get(path) ?? []].filter((other) => reach.get(other)?.has(path)).sort();
    circles.set(circle.join(" "), circle);
  }
  return [...circles.values()];
}

function reachable(start: string, modules: ReadonlyMap<string, SourceModule>): Set<string> {
  const seen = new Set<string>(), waiting = [...modules.get(start)?.imports ?? []];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const module = modules.get(path);
    if (module === undefined || seen.has(path)) continue;
    seen.add(path);
    waiting.push(...module.imports);
  }
  return seen;
}
