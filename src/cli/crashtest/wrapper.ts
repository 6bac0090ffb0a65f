/**
 * Creates the module that replaces a workflow's own in a crash test: it plays the workflow's roles, records each call,
 * and halts at the boundary that the id of the run names, until its process is killed. Used by scratch.ts.
 * It runs in the sandbox with the workflow's grants, and writes where every workflow may write: in the folder of blobs.
 * I1. What it records is on disk before it continues, so that the log of the daemon is not its own witness.
 * I2. It halts once for each run: after the death, it finds the mark of the first time.
 */
import type { RunMessage } from "../../protocol/run.ts";

/**
 * Where a run is struck. `before`: its role has begun, but its code has not; `in`: its code is done, but has not
 * returned; `sent`: its message was sent, but the acknowledgement was not read.
 */
export const boundaries = ["before", "in", "sent"] as const;
export type Boundary = (typeof boundaries)[number];

/** How long a sleep lasts; the timeout of an event that is sent, and of one that is not. */
const sleepMs = 50, eventMs = 60_000, noEventMs = 1_000;

/** A line of the file `RUN.notes`. */
export interface Note {
  readonly what: "call" | "settled";
  readonly round: number;
  readonly role: string;
  readonly effect: "idempotent" | "pure" | "once";
  /** What the role returned. */
  readonly result?: unknown;
}

/** The id of a run that is struck there; `number` makes it unique. `waitMs`: the length of a sleep that is struck. */
export function toRunId(round: number, boundary: Boundary | "wait" | "never", number: number, waitMs: number): string {
  return `crashtest-${round}-${boundary}-${number}-${waitMs}`;
}

/**
 * `original`: the import of the workflow's module. `marks`: the folder for the records. `recorded`: the messages that
 * replace what the roles return; null to run the roles. `sent`: the events that are sent.
 */
export function wrapperText(
  { original, marks, recorded, sent }: {
    readonly original: string;
    readonly marks: string;
    readonly recorded: readonly RunMessage[] | null;
    readonly sent: readonly string[];
  },
): string {
  const replayed = recorded?.map(({ role, content, meta }) => ({ role, content, meta })) ?? null;
  return `import workflow from ${JSON.stringify(original)};
const marks = ${JSON.stringify(marks)}, recorded = ${JSON.stringify(replayed)};
const sleepMs = ${sleepMs}, eventMs = ${eventMs}, noEventMs = ${noEventMs};
const sent = ${JSON.stringify(sent)};
${source}`;
}

/** Plain JavaScript: it handles whatever the author exports. */
const source = `
const exists = (path) => {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
};

const note = (runId, line) =>
  Deno.writeTextFileSync(marks + "/" + runId + ".notes", JSON.stringify(line) + "\\n", { append: true });

const isAt = (runId, round, boundary) => {
  const [, at, where] = /^crashtest-(\\d+)-([a-z]+)-/.exec(runId) ?? [];
  return Number(at) === round && where === boundary;
};

// Whether the run is struck here, and was not yet.
const isStruck = (runId, round, boundary) => {
  const hit = marks + "/" + runId + ".hit";
  if (!isAt(runId, round, boundary) || exists(hit)) return false;
  Deno.writeTextFileSync(hit, "");
  return true;
};

const halt = () => new Promise(() => {});

const replay = (name, round) => {
  const message = recorded[round - 1];
  if (message === undefined || message.role !== name) throw new Error("no message of role " + name + " was recorded for round " + round);
  return { content: message.content, meta: message.meta };
};

const play = (name, role) => {
  const isAgent = role.plays === "agent";
  if (isAgent && recorded === null) throw new Error("role " + name + " is one of an agent: --replay RUN plays its messages");
  const { effect = "idempotent", retry, run, ...rest } = typeof role === "function" ? { run: role } : isAgent ? {} : role;
  const quick = retry === undefined ? {} : { retry: { ...retry, backoff: 20, maxBackoff: 200 } };
  return {
    ...rest,
    ...quick,
    effect,
    run: async (context) => {
      const { start: { runId }, messages } = context, round = messages.length + 1, about = { round, role: name, effect };
      if (isStruck(runId, round, "before")) await halt();
      note(runId, { what: "call", ...about });
      const result = recorded === null ? await run(context) : replay(name, round);
      note(runId, { what: "settled", ...about, result });
      if (isStruck(runId, round, "in")) await halt();
      return result;
    },
  };
};

const sleepOf = (runId, round) => isAt(runId, round, "wait") ? Number(runId.split("-")[4]) : sleepMs;

// What the crash test decides needs no signature.
const shorten = ({ approvers, ...wait }) =>
  wait.wait === "sleep"
    ? { ...wait, time: ({ start, messages }) => sleepOf(start.runId, messages.length + 1) }
    : wait.wait === "event" && wait.timeout !== undefined
    ? { ...wait, timeout: sent.includes(wait.name) ? eventMs : noEventMs }
    : wait;

const roles = Object.fromEntries(Object.entries(workflow.roles).map(([name, role]) => [
  name,
  typeof role === "object" && role !== null && role.wait !== undefined ? shorten(role) : play(name, role),
]));

export default {
  ...workflow,
  // It does work, as the roles do.
  finally: recorded === null ? workflow.finally : undefined,
  roles,
  moderator: (context) => {
    // The first time that it is asked about a message, this has left for the kernel, and its acknowledgement was not read.
    if (isStruck(context.start.runId, context.messages.length, "sent")) for (;;) Atomics.wait(cell, 0, 0, 60_000);
    return workflow.moderator(context);
  },
};
const cell = new Int32Array(new SharedArrayBuffer(4));
`;
