/** Validates a request to start a run in the middle of an earlier one. Used by kernel_api.ts. */
import { NerveError } from "../base/errors.ts";
import type { Run } from "../protocol/run.ts";
import type { Store } from "../store/store.ts";
import type { Fork } from "../workflow/engine.ts";

/** `old`: the run of `rerunOf`. Throws PAYLOAD_INVALID when the log does not have these rounds, or not any longer. */
export function toFork(store: Store, old: Run | null, fromRound: number): Fork {
  if (old === null) {
    throw new NerveError("PAYLOAD_INVALID", "fromRound says where to go on in another run, and rerunOf names none", {
      hint: "nerve workflow fork RUN --from ROUND",
    });
  }
  const { runId } = old, rounds = fromRound - 1;
  if (rounds > old.rounds) {
    throw new NerveError(
      "PAYLOAD_INVALID",
      `the last round of run ${runId} is ${old.rounds}: it cannot be forked from round ${fromRound}`,
      {
        hint: `nerve workflow thread ${runId} shows them`,
      },
    );
  }
  if (store.runs.countMessages(runId, rounds) < rounds) {
    throw new NerveError("PAYLOAD_INVALID", `the messages of run ${runId} are in the archive`, {
      hint: `nerve workflow rerun ${runId} begins anew`,
    });
  }
  return { runId, rounds };
}
