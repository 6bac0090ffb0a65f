import assert from "node:assert/strict";
import { readPlainFile, readSmallFile } from "../../../src/base/small_file.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

// The bug was: a file that was replaced between the check and its opening seemed to be missing, and with it the daemon.
Deno.test("a file that is replaced again and again is read each time, whole", () =>
  inTempDir(async (root) => {
    const file = `${root}/state`;
    Deno.writeTextFileSync(file, "0");
    const script = 'n=0; while :; do n=$((n + 1)); echo $n$n > "$0.new"; mv "$0.new" "$0"; done';
    const replacing = new Deno.Command("sh", { args: ["-c", script, file] }).spawn();
    try {
      const seen = new Set<string | null>();
      while (seen.size < 200) seen.add(readPlainFile(file, 100));
      assert.ok(!seen.has(null));
      for (const text of seen) assert.match(text ?? "", /^(?:0|(\d+)\1\n)$/);
    } finally {
      replacing.kill("SIGKILL");
      await replacing.status;
    }
  }));

Deno.test("what is no plain file, too large or not there is none, and no pipe is waited for", () =>
  inTempDir((root) => {
    const path = (name: string) => `${root}/${name}`;
    Deno.writeTextFileSync(path("file"), "12345");
    Deno.symlinkSync(path("file"), path("link"));
    Deno.mkdirSync(path("folder"));
    assert.ok(new Deno.Command("mkfifo", { args: [path("pipe")] }).outputSync().success);
    for (const name of ["link", "folder", "pipe", "none", "file/below"]) {
      assert.deepEqual([readPlainFile(path(name), 100), readSmallFile(path(name))], [null, null], name);
    }
    assert.deepEqual([readPlainFile(path("file"), 5), readPlainFile(path("file"), 4)], ["12345", null]);
    return Promise.resolve();
  }));
