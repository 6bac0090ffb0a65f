/**
 * Only SQLite opens, watches or closes a database in the kernel's process: the system drops a process's locks on a file
 * as soon as any of its descriptors of that file is closed, and the log is lost with them (daemon/workspace_watch.ts).
 */
import assert from "node:assert/strict";
import { readSource, sourceFiles } from "../support/source_files.ts";

Deno.test("Deno.watchFs watches folders of code and those that senses watch, and in the command line those of the text log; nothing else", () => {
  const watching = sourceFiles(["src"], ".ts").filter((path) => readSource(path).includes("Deno.watchFs("));
  assert.deepEqual(watching, ["src/base/folder_watchers.ts", "src/cli/commands/logs.ts"]);
});

Deno.test("no file of the kernel's process opens a database but through openDatabase()", () => {
  const opening =
    /Deno\.(open|openSync|readFile|readFileSync|readTextFile|readTextFileSync|copyFile|copyFileSync)\([^)]*([dD]atabase|\.db\b)/;
  const rooms = ["src/kernel", "src/deploy", "src/daemon", "src/store", "src/process", "src/control", "src/workflow"];
  const found = sourceFiles(rooms, ".ts").filter((path) => opening.test(readSource(path)));
  assert.deepEqual(found, []);
  assert.ok(opening.test("Deno.openSync(paths.logDatabase)"));
});
