/**
 * A test is where a reader looks for it: `src/<room>/.../<file>.ts` is tested in `tests/unit/<room>/<file>_test.ts`, a
 * file of `tools/<room>/` likewise, and one of dashboard/ in `tests/unit/dashboard/`; senses, workflows and lib form
 * the room `library`. A test of one aspect adds words to the name: `parse_property_test.ts` beside `parse_test.ts`.
 */
import assert from "node:assert/strict";
import { filesOfPart, hasLongForm, testFiles } from "../../tools/test/files.ts";
import { readSource, repository, sourceFiles } from "../support/source_files.ts";

/** The names of the files that each room's unit tests may test. */
function testedNames(paths: readonly string[]): Map<string, Set<string>> {
  const rooms = new Map<string, Set<string>>();
  for (const path of paths) {
    const parts = path.split("/"), [top = "", second = ""] = parts;
    const room = top === "src" || top === "tools" ? second : top === "dashboard" ? top : "library";
    const name = (parts.at(-1) ?? "").replace(/\.ts$/, "");
    rooms.set(room, (rooms.get(room) ?? new Set()).add(name));
  }
  return rooms;
}

/** Unit tests that test no file of their room, by their names. */
function misplaced(tests: readonly string[], rooms: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return tests.filter((path) => {
    const [, , room = "", file = "", ...deeper] = path.split("/");
    const words = file.replace(/_test\.ts$/, "").split("_");
    const prefixes = words.map((_, at) => words.slice(0, at + 1).join("_"));
    return deeper.length > 0 || !prefixes.some((name) => rooms.get(room)?.has(name));
  });
}

Deno.test("every unit test has the name of the file it tests, in the folder of its room", () => {
  const rooms = testedNames(sourceFiles(["src", "tools", "dashboard", "senses", "workflows", "lib"], ".ts"));
  const tests = sourceFiles(["tests/unit"], "_test.ts");
  assert.ok(tests.length > 100);
  assert.deepEqual(misplaced(tests, rooms), []);
});

Deno.test("a test in another room, below its room, or of a file that is not there is misplaced", () => {
  const rooms = testedNames(["src/store/sqlite/database.ts", "lib/address.ts", "senses/cpu/index.ts"]);
  const right = ["tests/unit/store/database_test.ts", "tests/unit/store/database_property_test.ts"];
  const wrong = [
    "tests/unit/cli/database_test.ts",
    "tests/unit/store/sqlite/database_test.ts",
    "tests/unit/store/faults_test.ts",
    "tests/unit/store/databases_test.ts",
  ];
  assert.deepEqual(misplaced([...right, "tests/unit/library/address_test.ts", ...wrong], rooms), wrong);
});

Deno.test("every integration test is in the folder of a room", () => {
  const rooms = testedNames(sourceFiles(["src", "tools", "senses"], ".ts"));
  const folders = new Set(sourceFiles(["tests/integration"], "_test.ts").map((path) => path.split("/")[2] ?? ""));
  assert.deepEqual([...folders].filter((folder) => !rooms.has(folder)), []);
});

Deno.test("deno task long finds every file that leaves something out of the gate, also by a helper", () => {
  const takesForm = /^import \{[^}]*\b(?:long|scaled)\b[^}]*\} from ".*\/long_form\.ts"/m;
  const helpers = sourceFiles(["tests"], ".ts").filter((path) => !path.endsWith("_test.ts"))
    .filter((path) => takesForm.test(readSource(path))).map((path) => `/${path.split("/").at(-1)}"`);
  const tests = testFiles(repository).filter((path) => {
    const text = readSource(path);
    return takesForm.test(text) || helpers.some((helper) => text.includes(helper));
  });
  assert.ok(helpers.length > 1 && tests.length > 100);
  assert.deepEqual(tests.filter((path) => !hasLongForm(readSource(path))), []);
});

Deno.test("the parts of the long form are all of it, each file once", () => {
  const files = testFiles(repository), parts = ["1/4", "2/4", "3/4", "4/4"].map((part) => filesOfPart(files, part));
  assert.deepEqual(parts.flat().sort(), files.toSorted());
  assert.ok(parts.every((part) => Math.abs(part.length - files.length / 4) < 1));
  for (const wrong of ["0/4", "5/4", "4", "1/0"]) assert.throws(() => filesOfPart(files, wrong), /no part/);
});
