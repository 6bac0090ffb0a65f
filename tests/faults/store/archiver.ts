/**
 * Archives a workspace's log as the daemon would, in a process that a fault point kills: `archiver.ts ROOT BEFORE_MS`.
 */
import { systemClock } from "../../../src/base/clock.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { openStore } from "../../../src/store/store.ts";

const [root = "", before = "0"] = Deno.args, paths = workspacePaths(root);
const store = openStore(paths.logDatabase, systemClock);
await store.archive(paths.archive, { beforeMs: Number(before) });
await store.close();
