/**
 * Whether a program runs, in how many processes, and how much memory they use, according to `ps`. It emits a signal
 * while something is wrong, when it has recovered, and when the program was restarted between two computes.
 * Nothing below /proc can be opened in the sandbox, whatever is granted: hence `ps`.
 */
import { desc, eq } from "drizzle-orm";
import {
  formatSize,
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
  type WorkflowDirective,
} from "nerve";
import { runProgram } from "../../lib/program.ts";
import { isNamed, parsePs, type Process, psColumns, psEnvironment } from "./ps.ts";
import { readings } from "./schema.ts";

export interface ProcessWatch {
  /** The name or command line from the configuration. */
  readonly program: string;
  readonly ok: boolean;
  /** What is wrong, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  readonly count: number;
  /** At most 50, the oldest process first. */
  readonly pids: readonly number[];
  /** Resident memory of all of them; shared pages count for each. */
  readonly memoryBytes: number;
  /** Since the oldest was started; null when none runs. */
  readonly runningSeconds: number | null;
  /** True when the processes of the last compute are all gone and others run. */
  readonly restarted: boolean;
}

const pidsMax = 50;
/** The most rounds that the workflow may take. */
const workflowRoundsMax = 20;

export async function compute(
  { db, signal, config }: SenseContext,
): Promise<ProcessWatch | (ProcessWatch & { workflow: WorkflowDirective }) | null> {
  const settings = readSettings(config);
  const processes = parsePs(await runPs(settings.column, signal)).filter(({ text }) => settings.matches(text))
    .sort((a, b) => b.seconds - a.seconds || a.pid - b.pid);
  const last = readLast(db, settings.program);
  const now = judge(processes, settings, last?.pids ?? []);
  const wasOk = last?.ok ?? true;
  db.insert(readings).values({ ts: new Date(), ...now, pids: [...now.pids], problems: [...now.problems] }).run();
  prune(db, readings, readings.ts, settings.keep);
  if (!now.ok && wasOk && settings.workflow !== null) {
    const prompt = `${now.program}: ${now.problems.join(", ")}`;
    return { ...now, workflow: { name: settings.workflow, prompt, maxRounds: workflowRoundsMax } };
  }
  return now.ok && wasOk && !now.restarted && !settings.always ? null : now;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { name, command_line, ...settings } = readConfig(config, {
    name: option.text(null),
    command_line: option.text(null),
    min_count: option.number(1, { min: 0 }),
    max_count: option.number(null, { min: 0 }),
    max_memory: option.size(null),
    workflow: option.text(null),
    always: option.flag(false),
    keep: option.duration("30d"),
  });
  const program = name ?? command_line;
  if (program === null || (name !== null && command_line !== null)) {
    throw new TypeError("config must hold either name or command_line");
  }
  const column = name !== null ? "comm" as const : "args" as const;
  const matches = (text: string) => name !== null ? isNamed(text, name) : text.includes(program);
  return { ...settings, program, column, matches };
}

function runPs(column: "comm" | "args", signal: AbortSignal): Promise<string> {
  const args = ["-A", "-ww", ...psColumns, "-o", `${column}=`];
  return runProgram({ name: "ps", args, env: psEnvironment }, signal, "ps failed");
}

function judge(processes: readonly Process[], settings: Settings, before: readonly number[]): ProcessWatch {
  const { program, min_count, max_count, max_memory } = settings;
  const count = processes.length;
  const memoryBytes = processes.reduce((total, { rssBytes }) => total + rssBytes, 0);
  const problems: string[] = [];
  if (count < min_count) problems.push(count === 0 ? "does not run" : `${count} processes instead of ${min_count}`);
  if (max_count !== null && count > max_count) problems.push(`${count} processes, more than ${max_count}`);
  if (max_memory !== null && memoryBytes > max_memory) {
    problems.push(`uses ${formatSize(memoryBytes)} of memory, more than ${formatSize(max_memory)}`);
  }
  return {
    program,
    ok: problems.length === 0,
    problems,
    count,
    pids: processes.slice(0, pidsMax).map(({ pid }) => pid),
    memoryBytes,
    runningSeconds: processes[0]?.seconds ?? null,
    restarted: before.length > 0 && count > 0 && !processes.some(({ pid }) => before.includes(pid)),
  };
}

function readLast(db: SenseDatabase, program: string): { ok: boolean; pids: readonly number[] } | undefined {
  return db.select({ ok: readings.ok, pids: readings.pids }).from(readings).where(eq(readings.program, program))
    .orderBy(desc(readings.id)).limit(1).get();
}
