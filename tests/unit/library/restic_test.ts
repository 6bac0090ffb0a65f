/** The output of restic. */
import assert from "node:assert/strict";
import { countKept, parseLock, parseSummary } from "../../../workflows/backup-folder/restic.ts";

Deno.test("parseSummary() takes the summary among the progress", () => {
  const lines = [
    '{"message_type":"status","percent_done":0.5}',
    '{"message_type":"summary","files_new":1,"data_added":1234,"total_files_processed":12,"total_bytes_processed":48213,"snapshot_id":"8f0c2f4b"}',
    "",
  ];
  assert.deepEqual(parseSummary(lines.join("\n")), { snapshot: "8f0c2f4b", files: 12, bytes: 48213, addedBytes: 1234 });
  assert.throws(() => parseSummary(lines[0] ?? ""), /no summary/);
});

Deno.test("parseLock() reads who has a lock since when", () => {
  const text =
    'repository 1 opened\n{\n  "time": "2021-11-15T01:42:14Z",\n  "exclusive": true,\n  "hostname": "vm",\n  "pid": 13\n}\n';
  assert.deepEqual(parseLock(text), { time: "2021-11-15T01:42:14Z", hostname: "vm", pid: 13 });
  assert.throws(() => parseLock("{}"), /unknown form/);
});

Deno.test("countKept() adds what is kept of each folder", () => {
  assert.equal(
    countKept(
      "Applying Policy: keep 2 latest snapshots\nkeep 2 snapshots:\nID\nremove 1 snapshots:\n\nkeep 1 snapshots:\n",
    ),
    3,
  );
});
