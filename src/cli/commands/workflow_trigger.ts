/** `nerve workflow trigger NAME`: starts a run in the daemon, and with --wait follows it to its end. */
import { messageOf, NerveError } from "../../base/errors.ts";
import type { CancelTimer } from "../../base/time.ts";
import type { ControlClient } from "../../control/client/client.ts";
import type { StartRunRequest } from "../../protocol/api.ts";
import type { Json } from "../../protocol/json.ts";
import { type Run, runIdSchema } from "../../protocol/run.ts";
import { explainUnknownUnit } from "../daemon/unknown_unit_hint.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, dim, plural, print, printJson, runSign, sign } from "../render/terminal.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly payload?: string | undefined;
  readonly prompt?: string | undefined;
  readonly maxRounds?: number | undefined;
  readonly id?: string | undefined;
  readonly wait: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowTrigger(io: CliIo, flags: Flags, workflow: string): Promise<number> {
  if (flags.id !== undefined && !runIdSchema.safeParse(flags.id).success) {
    throw new NerveError("USAGE", `--id ${flags.id}: a run cannot have this id`, {
      hint: "Write up to 128 letters, digits, dots, underscores and hyphens, beginning with a letter or a digit",
    });
  }
  const paths = await openWorkspace(io, flags.workspace);
  const request: StartRunRequest = {
    ...(flags.payload === undefined ? {} : { payload: parsePayload(flags.payload) }),
    ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
    ...(flags.maxRounds === undefined ? {} : { maxRounds: flags.maxRounds }),
    ...(flags.id === undefined ? {} : { runId: flags.id }),
  };
  using client = await connect(paths);
  const started = await explainUnknownUnit(paths, "workflows", workflow, () => client.startRun(workflow, request));
  if (!flags.wait) {
    if (flags.json) printJson(io, started);
    else {
      print(io, started.runId);
      io.stderr.write(
        dim(io, `${runSign[started.status]} ${started.status}; nerve workflow thread ${started.runId}\n`),
      );
    }
    return started.status === "dropped" ? exit.failed : exit.ok;
  }
  // The id comes first: whoever is interrupted while waiting can still ask for the run.
  if (!flags.json) print(io, started.runId);
  const ended = started.endedAt === null ? await tellingWhy(io, client, started) : started;
  if (flags.json) printJson(io, ended);
  // The id alone is what a script reads.
  else io.stderr.write(`${endLine(ended)}\n`);
  return ended.exitCode ?? (ended.status === "completed" ? exit.ok : exit.failed);
}

/** How often to look why a run does not go on. */
const lookMs = 1_000;

/** The run at its end. Says meanwhile what its workflow waits for: that may be the very person who waits here. */
async function tellingWhy(io: CliIo, client: ControlClient, { runId, workflow }: Run): Promise<Run> {
  let told: string | null = null, over = false, cancel: CancelTimer = () => {};
  const look = async (): Promise<void> => {
    // Whatever keeps the daemon from answering, the wait for the end of the run tells.
    const workflows = await client.workflows().catch(() => []);
    if (over) return;
    const problem = workflows.find(({ name }) => name === workflow)?.problem ?? null;
    if (problem !== told && problem?.startsWith("quarantined") === true) {
      io.stderr.write(`${sign.broken} the run waits: ${workflow} is ${clip(problem, 300)}\n`);
    }
    told = problem;
    cancel = io.clock.after(lookMs, () => void look());
  };
  cancel = io.clock.after(lookMs, () => void look());
  try {
    return await endOf(client, runId);
  } finally {
    over = true;
    cancel();
  }
}

/** The run at its end; a daemon that goes away, or hangs, before that is DAEMON_MISSING or DAEMON_ANSWER. */
async function endOf(client: ControlClient, runId: string): Promise<Run> {
  const later = `the run goes on when the daemon does: nerve workflow inspect ${runId}`;
  try {
    const run = await client.run(runId, true);
    if (run.endedAt !== null) return run;
  } catch (thrown) {
    if (!(thrown instanceof NerveError) || !/^DAEMON_/.test(thrown.code)) throw thrown;
    const hint = thrown.hint === null ? later : `${thrown.hint}; ${later}`;
    throw new NerveError(thrown.code, thrown.message, { hint, cause: thrown });
  }
  throw new NerveError("DAEMON_MISSING", `The daemon stopped before run ${runId} ended`, {
    hint: `nerve start; ${later}`,
  });
}

function endLine(run: Run): string {
  const why = run.reason === null ? "" : `: ${clip(run.reason, 300)}`;
  return `${runSign[run.status]} ${run.status} after ${plural(run.rounds, "round")}${why}`;
}

function parsePayload(text: string): Json {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new NerveError("USAGE", `--payload is not JSON: ${messageOf(thrown)}`, {
      hint: `Quote it for the shell: --payload '{"key":"value"}'`,
    });
  }
}
