/** `nerve workflow thread RUN`: the newest messages of a run that fit into a budget of characters, oldest first. */
import { toPrintable } from "../../base/printable.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty, requireRun } from "../open_records.ts";
import { describeClosing } from "../render/closing_text.ts";
import { printChildren } from "../render/children_text.ts";
import { formatMessage } from "../render/message_text.ts";
import { dim, formatClockTime, print, printJson, runSign, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly before?: number | undefined;
  readonly budget?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const defaultBudget = 20_000;
const pageSize = 50;

export async function workflowThread(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const run = requireRun(records, runId);
  const pages = function* (): Generator<RunMessage> {
    let before = flags.before;
    for (;;) {
      const query = before === undefined ? { limit: pageSize } : { limit: pageSize, beforeRound: before };
      const page = records.messages(runId, query);
      yield* page.toReversed();
      before = page[0]?.round;
      if (before === undefined || before === 1) return;
    }
  };
  const messages = fitBudget(pages(), flags.budget ?? defaultBudget);
  const first = messages[0]?.round ?? 1;
  const earlier = first > 1 ? `nerve workflow thread ${runId} --before ${first}${formatBudget(flags)}` : null;
  const closing = run.endedAt === null ? null : describeClosing(records, runId);
  if (flags.json) {
    printJson(io, { run, messages, earlier, closing });
    return exit.ok;
  }
  printThread(io, run, messages, earlier);
  if (closing !== null) print(io, `finally: ${closing}`);
  if (run.status === "waiting" || run.status === "paused") await printChildren(io, paths, records, run);
  return exit.ok;
}

/**
 * Takes as many of the newest messages as fit into `budget` characters of content, and returns them oldest first. The
 * newest message is always included, shortened if it alone exceeds the budget.
 */
export function fitBudget(newestFirst: Iterable<RunMessage>, budget: number): RunMessage[] {
  const taken: RunMessage[] = [];
  let left = budget;
  for (const message of newestFirst) {
    if (taken.length > 0 && message.content.length > left) break;
    const over = message.content.length - left;
    taken.push(over <= 0 ? message : { ...message, content: cut(message.content, budget) });
    left -= Math.min(left, message.content.length);
  }
  return taken.reverse();
}

function cut(content: string, budget: number): string {
  return `${content.slice(0, budget)}\n[${content.length - budget} more characters]`;
}

function formatBudget(flags: Flags): string {
  return flags.budget === undefined ? "" : ` --budget ${flags.budget}`;
}

function printThread(io: CliIo, run: Run, messages: readonly RunMessage[], earlier: string | null): void {
  print(io, `${runSign[run.status]} ${run.runId} of ${run.workflow}: ${run.status}`);
  if (run.prompt !== "") print(io, dim(io, `   prompt: ${toPrintable(run.prompt)}`));
  for (const { round, role, content, meta, ts } of messages) {
    print(io, `\n${round} ${toPrintable(role)} ${dim(io, formatClockTime(ts))}`);
    print(io, formatMessage(content, meta));
  }
  const range = messages.length === 0 ? "no messages" : `rounds ${messages[0]?.round}-${messages.at(-1)?.round}`;
  print(io, dim(io, `\n${range} of ${run.rounds}`));
  if (run.status === "waiting" && run.reason !== null) print(io, `${sign.asleep} ${toPrintable(run.reason)}`);
  if (earlier !== null) print(io, dim(io, `earlier: ${earlier}`));
}
