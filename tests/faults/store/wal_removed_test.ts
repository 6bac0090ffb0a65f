/**
 * Somebody removes files of the log under a daemon. Danger: it writes on into a file without a name, and a kill loses it
 * all, although every client was told that its run was accepted.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { identifyFile } from "../../../src/base/file_identity.ts";
import { delay } from "../../../src/base/time.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { steps } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

const echo = steps(`say: () => ({ content: "said", meta: {} })`);

for (const names of [["logs.db-wal"], ["logs.db-shm"], ["logs.db-wal", "logs.db-shm"]]) {
  (names.length > 1 ? Deno : long).test(
    `${names.join(" and ")} removed under a daemon: it is said, and a kill -9 loses no run`,
    async () => {
      await using workspace = await makeWorkspace({ workflows: { echo } });
      const { paths } = workspace, accepted: string[] = [];
      const daemon = await Daemon.start(paths);
      const accept = async (count: number) => {
        for (let n = 0; n < count; n++) accepted.push((await daemon.client.startRun("echo", {})).runId);
      };
      await accept(5);
      for (const name of names) Deno.removeSync(`${paths.data}/${name}`);
      await accept(5);
      const said = async () => {
        while ((await daemon.client.logs({ type: "kernel.log_reopened" })).length === 0) await delay(systemClock, 10);
      };
      await within(said(), "the daemon to say it", () => daemon.output);
      for (const name of names) assert.notEqual(identifyFile(`${paths.data}/${name}`), null);
      await accept(5);
      await daemon.kill();

      const reader = StoreReader.open(paths.logDatabase);
      assert.equal(reader?.runs({ limit: 1, offset: 0 }).total, accepted.length);
      reader?.close();
    },
  );
}
