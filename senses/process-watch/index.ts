/**
 * Whether a program runs, in how many processes, and how much memory they use, according to `ps`. It can start a
 * workflow when a problem begins.
 * Deno opens nothing below /proc, whatever is granted: hence `ps`, which may read what the sense is granted.
 */
import { desc, eq } from "drizzle-orm";
import {
  defineSense,
  formatSize,
  type JsonObject,
  option,
  prune,
  readConfig,
  type SenseContext,
  type SenseDatabase,
} from "nerve";
import { runProgram } from "../../lib/program.ts";
import { findNews, tell, type Told } from "../../lib/tell.ts";
import {
  findAgeError,
  isAmbiguous,
  isNamed,
  parsePs,
  type Process,
  psColumns,
  psEnvironment,
  showsOtherName,
} from "./ps.ts";
import { readings } from "./schema.ts";

export interface ProcessWatch {
  /** The name or command line from the configuration. */
  readonly program: string;
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
  readonly count: number;
  /** At most 50, the oldest process first. */
  readonly pids: readonly number[];
  /** Resident memory of all of them; shared pages count for each. */
  readonly memoryBytes: number;
  /** Seconds since the oldest was started; null when none runs, and where the system does not report true ages. */
  readonly runningSeconds: number | null;
  /** True when all processes of the last compute are gone and others run. */
  readonly restarted: boolean;
}

const pidsMax = 50;

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe({ db, signal, config: settings }: SenseContext<Settings>): Promise<Told<ProcessWatch>> {
  const processes = await findProcesses(settings, signal);
  const last = readLast(db, settings.program);
  const now = judge(processes, settings, last?.pids ?? []);
  const wasOk = last?.ok ?? true;
  db.insert(readings).values({ ts: new Date(), ...now, pids: [...now.pids], problems: [...now.problems] }).run();
  prune(db, readings, readings.ts, settings.keep);
  const news = findNews(now.program, wasOk, now.problems);
  return tell(now, { ...settings, always: settings.always || now.restarted, wasOk, news });
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const { name, command_line, ...settings } = readConfig(config, {
    name: option.text(null),
    command_line: option.text(null),
    min_count: option.number(1, { min: 0 }),
    max_count: option.number(null, { min: 0 }),
    max_memory: option.size(null),
    own: option.flag(false),
    workflow: option.text(null),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  const program = name ?? command_line;
  if (program === null || (name !== null && command_line !== null)) {
    throw new TypeError("config must hold either name or command_line");
  }
  const column = name !== null ? "comm" as const : "args" as const;
  const matches = (text: string) => name !== null ? isNamed(text, name) : text.includes(program);
  return { ...settings, program, column, matches, isNameCut: name !== null && isAmbiguous(name) };
}

async function runPs(which: readonly string[], column: "comm" | "args", signal: AbortSignal): Promise<Process[]> {
  const args = [...which, "-ww", ...psColumns, "-o", `${column}=`];
  try {
    return parsePs(await runProgram({ name: "ps", args, env: psEnvironment }, signal, "ps failed"));
  } catch (thrown) {
    // ps's own advice is for a machine without /proc, not for a program that may not read it.
    if (!(thrown instanceof Error) || !thrown.message.includes("mount -t proc")) throw thrown;
    throw new Error("ps sees no process: grant it the system's table of processes (permissions: { read: [/proc] })");
  }
}

/** The program's processes, the oldest first. */
async function findProcesses(settings: Settings, signal: AbortSignal): Promise<Process[]> {
  const all = await runPs(["-A"], settings.column, signal);
  const ownUid = all.find(({ pid }) => pid === Deno.pid)?.uid;
  let found = all.filter(({ text, uid }) => settings.matches(text) && (!settings.own || uid === ownUid));
  if (settings.isNameCut && found.length > 0) {
    const whole = await runPs(["-p", found.map(({ pid }) => pid).join(",")], "args", signal);
    const others = whole.filter(({ text }) => showsOtherName(text, settings.program)).map(({ pid }) => pid);
    found = found.filter(({ pid }) => !others.includes(pid));
  }
  checkView(all, found.length, settings);
  const error = findAgeError(all, Deno.pid, performance.now() / 1_000);
  return found
    .map((each) => ({ ...each, seconds: error === null || each.seconds === null ? null : each.seconds - error }))
    .sort((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0) || a.pid - b.pid);
}

/** A user who cannot see the machine's first process sees only their own: a missing program may be running. */
function checkView(all: readonly Process[], count: number, { own, min_count, max_count, max_memory }: Settings): void {
  const isPartial = !own && !all.some(({ pid }) => pid === 1);
  if (!isPartial || (count >= min_count && max_count === null && max_memory === null)) return;
  throw new Error(
    "the system shows only processes of nerve's own user (/proc is mounted with hidepid): let nerve's user be of the " +
      "group that the mount's gid= names, or set own: true if the program runs as the same user",
  );
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
