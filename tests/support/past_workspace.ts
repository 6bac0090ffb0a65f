/** A workspace that has run, without a daemon, for commands that read its data. */
import { runCli } from "../../src/cli/app.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import type { Run, RunStatus } from "../../src/protocol/run.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { CapturedIo } from "./captured_io.ts";
import { FakeClock } from "./fake_clock.ts";
import { aRun } from "./api_views.ts";
import { inTempDir, writeWorkspace } from "./temp_workspace.ts";

const nerveYaml = `senses:
  cpu-usage: { group: system }
  quiet: {}
reflexes:
  - { sense: cpu-usage, interval: 10s }
  - { sense: quiet, on: [cpu-usage] }
workflows: { cleanup: { concurrency: 2, overflow: queue } }
`;

export interface PastWorkspace {
  readonly root: string;
  readonly nerve: (...argv: string[]) => Promise<{ code: number; out: string; err: string }>;
}

/** Creates a workspace that has run, with the data that `write` stores. */
export async function past(
  write: (store: Store) => Promise<void>,
  test: (past: PastWorkspace) => Promise<void>,
): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": nerveYaml });
    const clock = new FakeClock(), store = openStore(workspacePaths(root).logDatabase, clock);
    await write(store);
    await store.close();
    await clock.tick(60_000);
    await test({
      root,
      async nerve(...argv) {
        const io = new CapturedIo({ cwd: root, clock });
        const code = await runCli(argv, io);
        return { code, out: io.out, err: io.err };
      },
    });
  });
}

/** Stores a run as the manager does: queued, started, one message per round, ended. */
export async function storeRun(
  store: Store,
  runId: string,
  rounds: number,
  status: RunStatus = "completed",
): Promise<void> {
  const run: Run = aRun({
    runId,
    status: "queued",
    exitCode: null,
    attempt: 0,
    rounds: 0,
    startedAt: null,
    endedAt: null,
  });
  const row = (type: "run.queued" | "run.started" | "run.completed" | "run.failed") =>
    ({ source: "workflow:cleanup", type, refId: runId, causeId: null, payload: {} }) as const;
  await store.runs.create(run, row("run.queued"));
  if (status === "queued") return;
  await store.runs.transition(
    runId,
    { from: ["queued"] },
    { status: "started", attempt: 1, startedAt: 5 },
    row("run.started"),
  );
  for (let round = 1; round <= rounds; round++) {
    const message = { round, role: round % 2 === 1 ? "scan" : "prune", content: `said ${round}`, meta: {}, ts: round };
    await store.runs.appendMessage({ runId, workflow: "cleanup", attempt: 1, causeId: null }, message);
  }
  if (status === "started") return;
  const exitCode = status === "completed" ? 0 : 1;
  const reason = status === "failed" ? "role prune failed: no\x1b[1m df" : null;
  await store.runs.transition(
    runId,
    { from: ["started"] },
    { status, exitCode, reason, endedAt: 9 },
    row(status === "completed" ? "run.completed" : "run.failed"),
  );
}
