/** `nerve workflow trigger NAME`: starts a run in the daemon and, with --wait, waits for its end. */
import { messageOf, NerveError } from "../../base/errors.ts";
import type { CancelTimer } from "../../base/time.ts";
import type { ControlClient } from "../../control/client/client.ts";
import type { StartRunRequest } from "../../protocol/api.ts";
import { parseDuration } from "../../base/duration.ts";
import { findLostNumber, isPlainObject, type Json } from "../../protocol/json.ts";
import { type Run, runIdSchema } from "../../protocol/run.ts";
import { explainUnknownUnit } from "../daemon/unknown_unit_hint.ts";
import { type CliIo, exit } from "../io.ts";
import { clip, dim, plural, print, printJson, runSign, sign, toReasonText } from "../render/terminal.ts";
import { parseTime } from "../time_flag.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly payload?: string | undefined;
  readonly prompt?: string | undefined;
  readonly maxRounds?: number | undefined;
  readonly id?: string | undefined;
  /** The time at which, or the span after which, the run starts. */
  readonly at?: string | undefined;
  readonly in?: string | undefined;
  readonly wait: boolean;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowTrigger(io: CliIo, flags: Flags, workflow: string): Promise<number> {
  if (flags.id !== undefined && !runIdSchema.safeParse(flags.id).success) {
    throw new NerveError("USAGE", `--id ${flags.id} is not a valid run id`, {
      hint: "use up to 128 letters, digits, dots, underscores and hyphens; begin with a letter or a digit",
    });
  }
  const paths = await openWorkspace(io, flags.workspace);
  const request: StartRunRequest = {
    ...(flags.payload === undefined ? {} : { payload: parsePayload(flags.payload) }),
    ...(flags.prompt === undefined ? {} : { prompt: flags.prompt }),
    ...(flags.maxRounds === undefined ? {} : { maxRounds: flags.maxRounds }),
    ...(flags.id === undefined ? {} : { runId: flags.id }),
    ...parseStartTime(flags, io.clock.now()),
  };
  warnOfRequestInPayload(io, request);
  using client = await connect(paths);
  const attaches = flags.id !== undefined && await exists(client, flags.id);
  const started = await explainUnknownUnit(paths, "workflows", workflow, () => client.startRun(workflow, request));
  if (attaches) {
    const since = started.endedAt === null ? "" : `, which has ended: ${started.status}`;
    io.stderr.write(`${sign.warning} attached to run ${started.runId}${since}; nothing was started\n`);
  }
  return await followStart(io, client, flags, started);
}

/** Prints the id of a run that was started and, with --wait, waits for its end. Returns the exit code. */
export async function followStart(
  io: CliIo,
  client: ControlClient,
  flags: Pick<Flags, "wait" | "json">,
  started: Run,
): Promise<number> {
  if (!flags.wait) {
    if (flags.json) printJson(io, started);
    else {
      print(io, started.runId);
      const why = started.reason === null ? "" : `: ${clip(toReasonText(started), 300)}`;
      io.stderr.write(
        dim(io, `${runSign[started.status]} ${started.status}${why}; nerve workflow thread ${started.runId}\n`),
      );
    }
    return started.status === "dropped" ? exit.failed : exit.ok;
  }
  // The id comes first, so that the user has it even if the wait is interrupted.
  if (!flags.json) print(io, started.runId);
  const ended = started.endedAt === null ? await waitForEnd(io, client, started) : started;
  if (flags.json) printJson(io, ended);
  // Not on stdout, from which scripts read the id.
  else io.stderr.write(`${formatEnd(ended)}\n`);
  return ended.exitCode ?? (ended.status === "completed" ? exit.ok : exit.failed);
}

/** The payload is the run's own data. The keys of an API request have no effect in it. */
function warnOfRequestInPayload(io: CliIo, { payload, prompt, maxRounds }: StartRunRequest): void {
  if (!isPlainObject(payload)) return;
  const meant = [
    ...typeof payload.prompt === "string" && prompt === undefined ? [["prompt", "--prompt TEXT"]] : [],
    ...typeof payload.maxRounds === "number" && maxRounds === undefined ? [["maxRounds", "--max-rounds N"]] : [],
  ];
  if (meant.length === 0) return;
  const keys = meant.map(([key]) => `"${key}"`).join(" and "), right = meant.map(([, flag]) => flag).join(" ");
  io.stderr.write(`${sign.warning} ${keys} became part of the payload; for the run itself: ${right}\n`);
}

async function exists(client: ControlClient, runId: string): Promise<boolean> {
  try {
    await client.run(runId, false);
    return true;
  } catch (thrown) {
    if (thrown instanceof NerveError && thrown.code === "RUN_UNKNOWN") return false;
    throw thrown;
  }
}

/** How often to check whether the workflow is quarantined. */
const checkMs = 1_000;

/** Waits for the run's end. Reports a quarantine of its workflow, which only a person can lift. */
async function waitForEnd(io: CliIo, client: ControlClient, { runId, workflow }: Run): Promise<Run> {
  let reported: string | null = null, over = false, cancel: CancelTimer = () => {};
  const check = async (): Promise<void> => {
    // If the daemon does not answer, the wait for the end of the run reports it.
    const workflows = await client.workflows().catch(() => []);
    if (over) return;
    const problem = workflows.find(({ name }) => name === workflow)?.problem ?? null;
    if (problem !== reported && problem?.startsWith("quarantined") === true) {
      io.stderr.write(`${sign.broken} the run waits: ${workflow} is ${clip(problem, 300)}\n`);
    }
    reported = problem;
    cancel = io.clock.after(checkMs, () => void check());
  };
  cancel = io.clock.after(checkMs, () => void check());
  try {
    return await readEndedRun(client, runId);
  } finally {
    over = true;
    cancel();
  }
}

/** Throws DAEMON_MISSING or DAEMON_ANSWER when the daemon stops or hangs before the run ends. */
async function readEndedRun(client: ControlClient, runId: string): Promise<Run> {
  const later = `the run continues when the daemon runs again: nerve workflow inspect ${runId}`;
  try {
    const run = await client.run(runId, true);
    if (run.endedAt !== null) return run;
  } catch (thrown) {
    if (!(thrown instanceof NerveError) || !/^DAEMON_/.test(thrown.code)) throw thrown;
    const hint = thrown.hint === null ? later : `${thrown.hint}; ${later}`;
    throw new NerveError(thrown.code, thrown.message, { hint, cause: thrown });
  }
  throw new NerveError("DAEMON_MISSING", `the daemon stopped before run ${runId} ended`, {
    hint: `nerve start; ${later}`,
  });
}

function formatEnd(run: Run): string {
  const why = run.reason === null ? "" : `: ${clip(run.reason, 300)}`;
  return `${runSign[run.status]} ${run.status} after ${plural(run.rounds, "round")}${why}`;
}

function parseStartTime(
  { at, in: span }: Pick<Flags, "at" | "in">,
  now: number,
): Pick<StartRunRequest, "at" | "inMs"> {
  if (at !== undefined && span !== undefined) {
    throw new NerveError("USAGE", "a run starts at a time or in a span, not both", { hint: "give --at or --in" });
  }
  if (at !== undefined) {
    const ms = parseTime(at);
    if (ms === null) {
      throw new NerveError("USAGE", `--at ${clip(at, 100)} is not a time`, {
        hint: "write 2026-12-24T18:00 in local time, or 2026-12-24T18:00:00Z",
      });
    }
    if (ms <= now) {
      throw new NerveError("USAGE", `--at ${clip(at, 100)} is in the past`, { hint: "leave it out to start now" });
    }
    return { at: ms };
  }
  if (span === undefined) return {};
  const ms = parseDuration(span);
  if (!ms.ok) throw new NerveError("USAGE", `--in ${clip(span, 100)}: ${ms.error}`, { hint: "write 30m or 1h30m" });
  return { inMs: ms.value };
}

export function parsePayload(text: string): Json {
  return parseJsonFlag("--payload", text);
}

export function parseJsonFlag(flag: string, text: string): Json {
  let lost: string | null;
  try {
    lost = findLostNumber(text);
    if (lost === null) return JSON.parse(text);
  } catch (thrown) {
    throw new NerveError("USAGE", `${flag} is not JSON: ${messageOf(thrown)}`, {
      hint: `quote it for the shell: ${flag} '{"key":"value"}'`,
    });
  }
  throw new NerveError("USAGE", `${flag}: the number ${lost.slice(0, 40)} is too large for a double`, {
    hint: "quote it as a string",
  });
}
