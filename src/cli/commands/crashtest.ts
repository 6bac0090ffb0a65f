/**
 * `nerve crashtest WORKFLOW`: runs a workflow in a scratch copy of the workspace, first undisturbed, then once for each
 * boundary of that run, where kill -9 strikes its process or the daemon; and compares. Exits 1 when a run is lost, a
 * message is missing, or a role that must run once ran twice.
 */
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { unknownWorkflow } from "../../protocol/common_errors.ts";
import type { Json } from "../../protocol/json.ts";
import type { RunMessage } from "../../protocol/run.ts";
import { findProblem, judge, pickStrikes, planStrikes } from "../crashtest/judge.ts";
import { makeScratch } from "../crashtest/scratch.ts";
import { type TrialInput, Trials } from "../crashtest/trial.ts";
import { createProgressLine } from "../daemon/exclusive_store.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty, requireRun } from "../open_records.ts";
import type { CrashtestOutput, CrashTrial } from "../render/crashtest_schemas.ts";
import { clip, dim, plural, print, printJson, printTable, runSign, sign } from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";
import { parseJsonFlag, parsePayload } from "./workflow_trigger.ts";

interface Flags {
  readonly payload?: string | undefined;
  readonly prompt?: string | undefined;
  readonly decide?: readonly string[] | undefined;
  readonly event?: readonly string[] | undefined;
  readonly replay?: string | undefined;
  readonly limit?: number | undefined;
  readonly timeout?: number | undefined;
  readonly seed?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const order: readonly CrashTrial["boundary"][] = ["wait", "before", "in", "sent"];
const defaultLimit = 60, defaultTimeoutMs = 60_000;

export async function crashtest(io: CliIo, flags: Flags, workflow: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), config = await requireConfig(paths);
  if (!config.workflows.has(workflow)) throw unknownWorkflow(workflow, [...config.workflows.keys()]);
  const replayed = flags.replay === undefined ? null : readReplayed(paths, flags.replay, workflow);
  const input = { workflow, ...readInput(flags, replayed) }, seed = flags.seed ?? Math.floor(Math.random() * 2 ** 31);
  const interrupted = new AbortController(), stopListening = io.onInterrupt(() => interrupted.abort());
  try {
    await using scratch = await makeScratch(paths, config, workflow, {
      recorded: replayed?.messages ?? null,
      sent: [...input.events.keys()],
    });
    await using trials = new Trials(scratch, input, io.clock, interrupted.signal);
    const output = await test(io, trials, { workflow, seed, limit: flags.limit ?? defaultLimit });
    if (flags.json) printJson(io, output);
    else printOutput(io, output, flags);
    return output.ok ? exit.ok : exit.failed;
  } finally {
    stopListening();
  }
}

async function test(
  io: CliIo,
  trials: Trials,
  { workflow, seed, limit }: { readonly workflow: string; readonly seed: number; readonly limit: number },
): Promise<CrashtestOutput> {
  const line = createProgressLine(io);
  try {
    line.show(`${workflow}, undisturbed`);
    const undisturbed = await trials.run(null), { run, messages } = undisturbed;
    const isOver = run.endedAt !== null || run.status === "paused";
    const problem = isOver
      ? findProblem(undisturbed, undisturbed)
      : `it does not end: ${undisturbed.stuck ?? run.reason ?? run.status}`;
    const strikes = problem === null ? planStrikes(undisturbed) : [], done: CrashTrial[] = [];
    const chosen = pickStrikes(strikes, limit, randomFrom(seed));
    for (const [at, strike] of chosen.entries()) {
      line.show(
        `${at + 1} of ${chosen.length}: ${strike.boundary} round ${strike.round}, kill -9 of its ${strike.victim}`,
      );
      done.push(judge(strike, await trials.run(strike), undisturbed));
    }
    done.sort((a, b) => a.round - b.round || order.indexOf(a.boundary) - order.indexOf(b.boundary));
    const ok = problem === null && done.every((trial) => trial.problem === null);
    const roles = messages.map(({ role }) => role), { status, exitCode, reason } = run;
    const base = { status, exitCode, reason, roles, problem };
    return { workflow, seed, undisturbed: base, boundaries: strikes.length, trials: done, ok };
  } finally {
    line.end();
  }
}

interface Replayed {
  readonly prompt: string;
  readonly payload: Json;
  readonly messages: readonly RunMessage[];
}

function readReplayed(paths: WorkspacePaths, runId: string, workflow: string): Replayed {
  using records = openRecordsOrEmpty(paths);
  const run = requireRun(records, runId), { prompt, payload } = run;
  if (run.workflow !== workflow) {
    throw new NerveError("USAGE", `run ${runId} is one of ${run.workflow}, not of ${workflow}`, {
      hint: `nerve crashtest ${run.workflow} --replay ${runId}`,
    });
  }
  return { prompt, payload, messages: records.messages(runId, {}) };
}

/** The decisions and events of a replayed run are repeated. */
function readInput(flags: Flags, replayed: Replayed | null): Omit<TrialInput, "workflow"> {
  const decide = new Map<string, string>(), events = new Map<string, Json>();
  for (const { role, content, meta } of replayed?.messages ?? []) {
    if (typeof meta.decision === "string") decide.set(role, meta.decision);
    const event = /^event (\S+)$/.exec(content)?.[1];
    if (event !== undefined && meta.payload !== undefined) events.set(event, meta.payload);
  }
  for (const each of flags.decide ?? []) decide.set(...splitFlag("--decide GATE=OPTION", each));
  for (const each of flags.event ?? []) {
    const [name, text] = splitFlag("--event NAME=JSON", each);
    events.set(name, parseJsonFlag(`--event ${name}`, text));
  }
  return {
    prompt: flags.prompt ?? replayed?.prompt ?? "",
    payload: flags.payload === undefined ? replayed?.payload ?? {} : parsePayload(flags.payload),
    decide,
    events,
    timeoutMs: flags.timeout ?? defaultTimeoutMs,
  };
}

function splitFlag(usage: string, text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new NerveError("USAGE", `"${text}" has no name before a =`, { hint: usage });
}

const boundaryTexts = {
  before: "before it",
  in: "in it, its work done",
  sent: "after its message, before the ack",
  wait: "while it waits",
} as const;

function printOutput(
  io: CliIo,
  { workflow, seed, undisturbed, boundaries, trials, ok }: CrashtestOutput,
  flags: Flags,
): void {
  const { status, reason, roles, problem } = undisturbed, why = reason === null ? "" : `: ${clip(reason, 300)}`;
  print(io, `${runSign[status]} ${workflow}, undisturbed: ${status} after ${plural(roles.length, "message")}${why}`);
  if (problem !== null) return print(io, `${sign.failed} ${clip(problem, 1_000)}`);
  printTable(
    io,
    ["", "ROUND", "ROLE", "BOUNDARY", "KILL -9 OF", "ATTEMPTS", "RAN TWICE", "RESULT"],
    trials.map(({ problem, round, role, boundary, victim, attempts, ranTwice, asked, status, struck }) => [
      problem !== null ? sign.failed : struck ? sign.ok : sign.idle,
      String(round),
      clip(role, 40),
      boundaryTexts[boundary],
      victim,
      String(attempts),
      ranTwice.map((each) => clip(each, 40)).join(", ") || "-",
      `${struck ? status : `${status}, not reached`}${asked === 0 ? "" : `, asked a person ${plural(asked, "time")}`}`,
    ]),
  );
  for (const { round, role, problem } of trials) {
    if (problem !== null) print(io, `${sign.failed} round ${round}, ${clip(role, 40)}: ${clip(problem, 1_000)}`);
  }
  if (ok) print(io, `${sign.ok} no run was lost, no message is missing, and no role that runs once ran twice`);
  if (trials.length === boundaries) return;
  const all = `--limit ${boundaries}`,
    note = `${trials.length} of ${boundaries} boundaries, chosen by the seed ${seed}`;
  print(
    io,
    dim(
      io,
      `${note}; all of them: nerve crashtest ${toPrintable(workflow)} ${all}${
        flags.replay === undefined ? "" : ` --replay ${flags.replay}`
      }`,
    ),
  );
}

/** Numbers from 0 up to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
