/**
 * Every message between the kernel and the process of a group or workflow, each as one line of JSON. The kernel's side
 * is process/, the other side is sandbox/. The kernel trusts no message: it parses each one here, and the code that
 * uses it checks what the process may refer to.
 */
import * as z from "zod";
import {
  logLineMaxBytes,
  payloadMaxBytes,
  protocolLineMaxBytes,
  retryWaitMaxMs,
  roleAttemptsMax,
  roleTimeoutMaxMs,
  silenceMaxChars,
} from "../base/limits.ts";
import { gateBodyMaxBytes } from "../base/wait_limits.ts";
import { type Prompted, promptEndSchema, promptLineMaxBytes, promptSchema } from "./agent.ts";
import { waitSchema } from "./asked_wait.ts";
import { closedSchema, type CloseMessage, closingSchema } from "./closing.ts";
import type { Confinement, SandboxPermissions } from "./confinement.ts";
import type { HookDelivery } from "./delivery.ts";
import type { Json } from "./json.ts";
import { jsonObjectSchema, jsonSchema } from "./json_schema.ts";
import { runIdSchema, type RunMessage, type RunStart } from "./run.ts";
import {
  type ChangedPaths,
  computeErrorCodeSchema,
  nameSchema,
  placeSchema,
  type Signal,
  type Trigger,
} from "./signal.ts";
import { triggerKinds } from "./signal_text.ts";

/** What a process needs to load one sense. Paths are absolute. */
export interface SenseSpec {
  readonly name: string;
  readonly entry: string;
  readonly migrations: string;
  readonly database: string;
  /** For a trial load on an empty database: the real one, whose applied migrations the code must match. Else null. */
  readonly tryFor: string | null;
  /** Senses whose databases it may read. */
  readonly peers: "all" | readonly string[];
  readonly config: Json;
}

export interface WorkflowSpec {
  readonly name: string;
  readonly entry: string;
  /** Senses whose databases its roles may read. */
  readonly peers: "all" | readonly string[];
  /** The names of all people and groups that its gates may name. */
  readonly approvers: readonly string[];
  readonly agents: readonly string[];
  readonly engine: string | null;
  readonly config: Json;
}

/** What a unit's code may import, besides what all code may import (sandbox/module_gate.ts). */
export interface ModuleRules {
  /** Absolute paths: the folders of its senses or its workflow, and `lib/`. */
  readonly folders: readonly string[];
  /** npm packages as `permissions.import` names them: `npm:NAME`, or `npm:NAME@VERSION` for that version only. */
  readonly packages: readonly string[] | true;
}

/** The content of the kernel's first message: what the process runs and what its worker may do. */
export interface ProcessSpec {
  readonly kind: "group" | "workflow";
  readonly name: string;
  readonly permissions: SandboxPermissions;
  readonly unconfined: boolean;
  readonly modules: ModuleRules;
  /** data/logs.db and data/blobs. */
  readonly logDatabase: string;
  readonly blobs: string;
  /** The folder of all sense databases, and the names of all senses of the workspace. */
  readonly senseDatabases: string;
  readonly allSenses: readonly string[];
  /** The senses of this group; empty for a workflow's process. */
  readonly senses: readonly SenseSpec[];
  readonly workflow: WorkflowSpec | null;
}

type SignalTrigger = Extract<Trigger, { kind: "signal" }>;
export type BareTrigger = Exclude<Trigger, SignalTrigger> | Omit<SignalTrigger, "signal">;

/** Kernel to process. Our own messages, so they are typed and not parsed. */
export type ToProcess =
  | { readonly t: "init"; readonly spec: ProcessSpec; readonly wall: Confinement | null }
  | { readonly t: "ping"; readonly n: number }
  /** All sense names of the workspace, when they have changed since `init`. */
  | { readonly t: "senses"; readonly all: readonly string[] }
  /** `taken`: the key of the last outcome of the sense's outbox that is on disk here; null: there is none. */
  | { readonly t: "load"; readonly sense: string; readonly taken: string | null }
  | {
    readonly t: "compute";
    readonly id: number;
    readonly sense: string;
    /** The trigger without its signal, which is the last one of `signals`. */
    readonly trigger: BareTrigger;
    readonly signals: readonly Signal[];
    readonly deliveries: readonly HookDelivery[];
    /** Watched paths that changed; absent: none did. */
    readonly changed?: ChangedPaths;
    /** The key of its outcome in the sense's outbox; null: it is not kept there. `taken` as in `load`. */
    readonly key: string | null;
    readonly taken: string | null;
  }
  /** The files of this sense's database were removed or replaced: open them anew. */
  | { readonly t: "reopen"; readonly sense: string }
  /** The -wal files of this group's senses take their databases over the disk limit: empty them. */
  | { readonly t: "tidy" }
  /** The answer to `undelivered`. `fault`: null when the value is on disk, else why not. */
  | { readonly t: "taken"; readonly sense: string; readonly fault: string | null }
  | { readonly t: "abort"; readonly id: number; readonly reason: string }
  /** The answer to `programs_end`: the programs of that compute or attempt are gone, or the last `held` names them. */
  | { readonly t: "programs_ended"; readonly work: number }
  /** All senses or roles (empty: the unit itself) that may not start programs now, and why. Replaces the last list. */
  | { readonly t: "held"; readonly subjects: Readonly<Record<string, string>> }
  | { readonly t: "load_workflow" }
  | Prompted
  | {
    readonly t: "run";
    readonly start: RunStart;
    readonly attempt: number;
    /** How many `thread` messages follow, one for each message of the run so far. The run begins after the last one. */
    readonly rounds: number;
    /** How often the role of the current round has failed; how many rounds a person has accepted as they are. */
    readonly failures: number;
    readonly accepted: number;
    /** True: after the last `thread` message it only reports whether its moderator agrees (`probed`), and waits. */
    readonly probe?: boolean;
  }
  | CloseMessage
  /** The run that was probed has moved to this process, and begins. */
  | { readonly t: "proceed"; readonly runId: string; readonly attempt: number }
  | { readonly t: "thread"; readonly runId: string; readonly attempt: number; readonly message: RunMessage }
  | { readonly t: "ack"; readonly runId: string; readonly attempt: number; readonly message: RunMessage }
  /** The answer to `may_begin`: the start of the role is on disk. */
  | { readonly t: "begin"; readonly runId: string; readonly attempt: number; readonly round: number }
  | { readonly t: "abort_run"; readonly runId: string; readonly attempt: number; readonly reason: string }
  | { readonly t: "end" };

export const logLevelSchema = z.enum(["debug", "info", "warn", "error"]);
export type LogLevel = z.infer<typeof logLevelSchema>;

const loadProblemSchema = z.object({ message: z.string(), place: placeSchema.nullable() });
/** Why a module, its migrations or its exports failed to load. */
export type LoadProblem = z.infer<typeof loadProblemSchema>;

const runRef = { runId: runIdSchema, attempt: z.int() };

/** A role in a round, its maximum of attempts, and the wait if this attempt fails; null: this is the last attempt. */
const roleRef = {
  ...runRef,
  round: z.int(),
  role: z.string(),
  attempts: z.int().min(1).max(roleAttemptsMax),
  waitMs: z.int().min(0).max(retryWaitMaxMs).nullable(),
  exhausted: z.enum(["fail", "pause"]),
};

/** Process to kernel. */
export const fromProcessSchema = z.discriminatedUnion("t", [
  /** The worker is up and locked down, and has loaded nothing yet. */
  z.object({ t: z.literal("ready") }),
  z.object({ t: z.literal("pong"), n: z.int() }),
  /** Later messages come after the first `n` lines that the worker passed to its shim (worker_main.ts, `sendNow`). */
  z.object({ t: z.literal("barrier"), n: z.int() }),
  /** `finally`: whether it is a workflow with a `finally`. */
  z.object({
    t: z.literal("loaded"),
    name: nameSchema,
    problems: z.array(loadProblemSchema).max(100),
    finally: z.boolean().optional(),
  }),
  /**
   * `ranMs`: how long ago compute was called, by the sandbox's clock; null when it was not called, or the time is
   * unknown. User code may have changed that clock: a value that is not a span counts as unknown.
   */
  z.object({
    t: z.literal("outcome"),
    id: z.int(),
    ranMs: z.number().min(0).nullable().catch(null),
    /** Whether its value stays in the sense's outbox until the kernel has stored it. */
    kept: z.boolean().optional(),
    outcome: z.discriminatedUnion("kind", [
      z.object({
        kind: z.literal("null"),
        returned: z.literal("undefined").optional(),
        silent: z.string().max(silenceMaxChars).optional(),
      }),
      z.object({ kind: z.literal("value"), value: jsonSchema }),
      z.object({
        kind: z.literal("error"),
        code: computeErrorCodeSchema,
        message: z.string(),
        place: placeSchema.nullable(),
      }),
    ]),
  }),
  /** The value of an earlier compute, from the outbox of a sense: the process that computed it may have died. */
  z.object({
    t: z.literal("undelivered"),
    sense: nameSchema,
    key: z.ulid(),
    compute: z.int(),
    trigger: z.enum(triggerKinds),
    causeId: z.int().nullable(),
    value: jsonSchema,
  }),
  /** A `ctx.log` call of a sense or role; `of` is the sense, or the run id in a workflow's process. */
  z.object({ t: z.literal("log"), of: z.string(), level: logLevelSchema, message: z.string(), data: jsonSchema }),
  /** An error in user code that no compute or role awaited. */
  z.object({ t: z.literal("stray"), ...loadProblemSchema.shape }),
  z.object({
    t: z.literal("message"),
    ...runRef,
    round: z.int(),
    role: z.string(),
    content: z.string(),
    meta: jsonObjectSchema,
  }),
  /** The next role has the effect "once": it begins after `begin`. */
  z.object({ t: z.literal("may_begin"), ...runRef, round: z.int(), role: z.string() }),
  /** A role with a timeout begins. The kernel also enforces it: an endless loop would block the worker's timer. */
  z.object({ t: z.literal("role_begun"), ...roleRef, timeoutMs: z.int().min(1).max(roleTimeoutMaxMs) }),
  /** A role threw or timed out; the process sends nothing more about the run in this attempt. */
  z.object({ t: z.literal("attempt_failed"), ...roleRef, message: z.string(), place: placeSchema.nullable() }),
  /** The kernel plays the next role; the process sends nothing more about the run in this attempt. */
  z.object({ t: z.literal("wait"), ...runRef, round: z.int(), role: z.string(), wait: waitSchema }),
  z.object({
    t: z.literal("finished"),
    ...runRef,
    outcome: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("completed") }),
      z.object({ kind: z.literal("failed"), message: z.string(), place: placeSchema.nullable() }),
      /** The moderator ended the run with `failRun` or `killRun`. */
      z.object({ kind: z.literal("stopped"), status: z.enum(["failed", "killed"]), reason: z.string() }),
      z.object({ kind: z.literal("max_rounds"), next: z.string() }),
      /** The moderator would have chosen other roles for the finished rounds; nothing was run. */
      z.object({ kind: z.literal("contradicted"), message: z.string(), place: placeSchema.nullable() }),
    ]),
  }),
  closingSchema,
  closedSchema,
  /**
   * A compute or attempt that started programs has ended: end those that it left running. `work` is the number in its
   * mark. `aloneAt`: a wall time at which no other compute or attempt was running; null: another one was.
   */
  z.object({ t: z.literal("programs_end"), work: z.int().min(1), aloneAt: z.number().nullable() }),
  promptSchema,
  promptEndSchema,
  /** The answer to a probe. `why`: null when the moderator agrees with the thread, else why it does not. */
  z.object({ t: z.literal("probed"), ...runRef, why: z.string().nullable() }),
  /** The sense's database cannot be read without a -wal and a -shm file beside it, which the process may not make. */
  z.object({ t: z.literal("unshared"), sense: nameSchema }),
  /** User code tried to exit the process; the sandbox refused. */
  z.object({ t: z.literal("exit_refused"), code: z.int() }),
  /** An uncaught error ended the worker. The process ends after this line. */
  z.object({ t: z.literal("fault"), message: z.string() }),
]);
export type FromProcess = z.infer<typeof fromProcessSchema>;

/** Room in a line for everything around an outcome's value, an error's message or a path. */
const envelopeBytes = 32 * 1024;

/**
 * The longest line of each kind. The worker keeps within these bounds, but user code may make the worker send anything:
 * without them a sense could write 8 MiB into each log row.
 */
export const fromProcessMaxBytes: Readonly<Record<FromProcess["t"], number>> = {
  ready: 1024,
  pong: 1024,
  barrier: 1024,
  exit_refused: 1024,
  unshared: 1024,
  programs_end: 1024,
  fault: envelopeBytes,
  // The message of a log row has at most a quarter of a log line's length, in characters of up to six bytes.
  log: envelopeBytes + 3 * logLineMaxBytes,
  stray: envelopeBytes,
  loaded: 32 * envelopeBytes,
  outcome: payloadMaxBytes + envelopeBytes,
  undelivered: payloadMaxBytes + envelopeBytes,
  message: protocolLineMaxBytes,
  may_begin: 4 * 1024,
  role_begun: 4 * 1024,
  // A character of the body takes up to six bytes of JSON.
  wait: envelopeBytes + 6 * gateBodyMaxBytes,
  attempt_failed: envelopeBytes,
  finished: envelopeBytes,
  probed: envelopeBytes,
  prompt: promptLineMaxBytes,
  prompt_end: 1024,
  closing: 1024,
  closed: protocolLineMaxBytes,
};
