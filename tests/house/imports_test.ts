/**
 * Rooms are import rules: only the table of rooms in ARCHITECTURE.md defines what may import what. A type import counts
 * like any other: a reader has to know it, too.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path/posix";
import { readSource } from "../support/source_files.ts";
import { circlesOf, moduleOf, type SourceModule, sourceModules } from "../support/source_graph.ts";

/** What a room, or a single file, may import besides itself, `base` and `protocol`. */
const doors = readDoors(readSource("ARCHITECTURE.md"));
const modules = sourceModules(["src", "tools"]);

function readDoors(document: string): Map<string, string[]> {
  const [, table = ""] = /\| room \| what it does \| may import \|\n\|[-|]+\|\n((?:\|.*\n)+)/.exec(document) ?? [];
  const namesIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  return new Map(
    table.trimEnd().split("\n").map((row) => {
      const cells = row.split("|");
      return [namesIn(cells[1] ?? "")[0] ?? "", namesIn(cells[3] ?? "")];
    }),
  );
}

function roomOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}

function mayImport(from: string, to: string): boolean {
  const room = roomOf(from);
  if (room === roomOf(to)) return true;
  const common = room === "base" ? [] : room === "protocol" ? ["base"] : ["base", "protocol"];
  return [...common, ...doors.get(room) ?? [], ...doors.get(from) ?? []]
    .some((door) => to === door || to.startsWith(`${door}/`));
}

/** Pairs `from -> to` below src/ that no row allows. */
function brokenWalls(all: readonly SourceModule[]): string[] {
  return all.filter(({ path }) => path.startsWith("src/")).flatMap(({ path, imports }) =>
    imports.filter((to) => to.startsWith("src/") && !mayImport(path.slice(4), to.slice(4)))
      .map((to) => `${path} -> ${to}`)
  );
}

Deno.test("no file of src/ imports what its room may not import", () => {
  assert.deepEqual(brokenWalls(modules), []);
  assert.ok(brokenWalls([moduleOf("src/sdk/x.ts", 'type A = import("../store/store.ts").Store;')]).length === 1);
});

Deno.test("every file of src/ is in a room, and every row of the table has its room or file", () => {
  const paths = modules.map(({ path }) => path).filter((path) => path.startsWith("src/")).map((path) => path.slice(4));
  assert.ok(paths.length > 200);
  assert.deepEqual(paths.filter((path) => !doors.has(roomOf(path))), []);
  const missing = [...doors.keys(), ...[...doors.values()].flat()].filter((door) =>
    !paths.some((path) => path === door || path.startsWith(`${door}/`))
  );
  assert.deepEqual(missing, []);
});

Deno.test("nothing imports the tools, and the build program imports only base", () => {
  const outside = modules.filter(({ path }) => path.startsWith("src/"));
  assert.deepEqual(outside.filter(({ imports }) => imports.some((to) => to.startsWith("tools/"))), []);
  const tools = modules.filter(({ path }) => path.startsWith("tools/build/")).flatMap(({ imports }) => imports);
  assert.ok(tools.length > 10);
  assert.deepEqual(tools.filter((to) => to.startsWith("src/") && !to.startsWith("src/base/")), []);
});

Deno.test("no file imports itself through others", () => {
  assert.deepEqual(circlesOf(modules), []);
  const a = moduleOf("src/a.ts", 'import type { B } from "./b.ts";'),
    b = moduleOf("src/b.ts", 'export * from "./a.ts";');
  assert.deepEqual(circlesOf([a, b]), [["src/a.ts", "src/b.ts"]]);
});

Deno.test("the shim of a unit's process loads no module of Node: the first one costs each start 20 ms and 2 MiB", () => {
  const loaded = new Set(["src/sandbox/shim.ts"]), ofNode: string[] = [];
  for (const path of loaded) {
    for (const [, from = ""] of readSource(path).matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)"/gm)) {
      if (from.startsWith("node:")) ofNode.push(`${path} -> ${from}`);
      else if (from.startsWith(".") && from.endsWith(".ts")) loaded.add(join(dirname(path), from));
    }
  }
  assert.ok(loaded.size > 20);
  assert.deepEqual(ofNode, []);
});
