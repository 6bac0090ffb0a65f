/**
 * Schemas for the `--json` output of the commands (json_schema_by_command.ts maps commands to schemas). Commands use
 * the types and tests parse with the schemas. No command loads this file, so that commands need not load zod. Times are
 * milliseconds since the epoch.
 * Commands that stream print one document on each line; `sense query` prints an array with one line for each row. A
 * command that fails writes `errorOutput` to stderr on one line, and nothing to stdout unless it had begun to stream.
 */
import * as z from "zod";
import { permissionNames } from "../../config/types.ts";
import {
  gapSchema,
  healthSchema,
  runPageSchema,
  runSchema,
  senseCountersSchema,
  senseViewSchema,
  workflowViewSchema,
} from "../../protocol/api.ts";
import { approvalPageSchema, approvalSummarySchema } from "../../protocol/approval.ts";
import { logRowSchema } from "../../protocol/log.ts";
import { runMessageSchema, runStatusSchema } from "../../protocol/run.ts";
import { placeSchema } from "../../protocol/signal.ts";

/** The error of any command; `hint` suggests a fix. The codes are those of base/errors.ts. */
export const errorOutput = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string().nullable() }),
});
export type ErrorOutput = z.infer<typeof errorOutput>;

/**
 * Whether the daemon answered. If not, the data is from the databases; `problem` is the reason why a running daemon did
 * not answer.
 */
const origin = { daemon: z.boolean(), problem: z.string().nullable() } as const;

/** `nerve sense list`: `counters` is null without a daemon. `total` counts all senses. */
export const senseListOutput = z.strictObject({
  ...origin,
  total: z.int(),
  offset: z.int(),
  items: z.array(senseViewSchema.extend({ counters: senseCountersSchema.nullable() })),
});
export type SenseListOutput = z.infer<typeof senseListOutput>;

/** `nerve sense library`, `nerve workflow library`: `permissions` are those of the lines that go into nerve.yaml. */
export const libraryOutput = z.strictObject({
  items: z.array(z.strictObject({
    name: z.string(),
    brief: z.string(),
    permissions: z.record(z.string(), z.union([z.literal(true), z.array(z.string()).readonly()])),
  })),
});
export type LibraryOutput = z.infer<typeof libraryOutput>;

/** `nerve sense schema NAME` */
export const senseSchemaOutput = z.strictObject({
  sense: z.string(),
  tables: z.array(z.strictObject({
    name: z.string(),
    sql: z.string(),
    indexes: z.array(z.string()),
    columns: z.array(
      z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean(), primaryKey: z.boolean() }),
    ),
    rows: z.int(),
  })),
});

/** `nerve sense query NAME [SQL]`: integers beyond 2^53 are strings, blobs are x'00ff'. */
export const senseQueryOutput = z.array(z.record(z.string(), z.union([z.null(), z.number(), z.string()])));

/** `nerve approvals`: a page of requests, without their bodies. */
export const approvalsOutput = approvalPageSchema.extend({ offset: z.int() });

/** `nerve workflow list` */
export const workflowListOutput = z.strictObject({
  ...origin,
  workflows: z.array(workflowViewSchema),
  runs: runPageSchema.extend({ offset: z.int() }),
});

/**
 * `nerve workflow inspect RUN`: its attempts, each with its first round and why the one before it ended (`after`); the
 * runs that it has started to wait for, with why one was not started (`refused`); and a page of its rows, oldest first.
 * `more`: there are further rows. `total`: how many rows it has; null when some are archived.
 */
export const workflowInspectOutput = z.strictObject({
  run: runSchema,
  attempts: z.array(
    z.strictObject({ attempt: z.int(), at: z.number(), round: z.int(), after: z.string().nullable() }),
  ),
  children: z.array(z.strictObject({
    round: z.int(),
    n: z.int(),
    runId: z.string(),
    workflow: z.string(),
    refused: z.string().nullable(),
    run: z.strictObject({
      status: runStatusSchema,
      exitCode: z.int().nullable(),
      reason: z.string().nullable(),
    }).nullable(),
  })),
  rows: z.array(logRowSchema),
  more: z.boolean(),
  total: z.int().nullable(),
});

/** `nerve workflow thread RUN`: `earlier` is the command that shows what did not fit, `closing` what `finally` did. */
export const workflowThreadOutput = z.strictObject({
  run: runSchema,
  messages: z.array(runMessageSchema),
  earlier: z.string().nullable(),
  closing: z.string().nullable(),
});

/** `nerve workflow trigger NAME`: the run as it starts or, with --wait, as it ended. */
export const workflowTriggerOutput = runSchema;

/** `nerve events`: one row on each line. With -f also `{afterId, beforeId}` in place of rows that were archived. */
export const eventsOutputLine = z.union([logRowSchema, gapSchema]);

/** `nerve logs`: one log line on each line. The output of a crash has only a message. */
export const logsOutputLine = z.union([
  z.strictObject({
    ts: z.number(),
    level: z.enum(["debug", "info", "warn", "error"]),
    source: z.string(),
    event: z.string(),
    message: z.string(),
  }),
  z.strictObject({ message: z.string() }),
]);

/**
 * `nerve why ID`: from the row in question back to its first cause. `missing`: a cause that is no longer in the log.
 */
export const whyOutput = z.strictObject({
  id: z.string(),
  chain: z.array(logRowSchema).min(1),
  missing: z.int().nullable(),
  /** The decisions about the run, oldest first; empty for other ids. */
  decisions: z.array(approvalSummarySchema),
});
export type WhyOutput = z.infer<typeof whyOutput>;

/** `nerve why --sense NAME`: oldest first. `now` is the sense as the daemon reports it, null when no daemon answers. */
export const whyNotOutput = z.strictObject({
  sense: z.string(),
  items: z.array(logRowSchema),
  more: z.boolean(),
  now: senseViewSchema.nullable(),
  problem: z.string().nullable(),
});
export type WhyNotOutput = z.infer<typeof whyNotOutput>;

/** `nerve validate --format json` */
export const validateOutput = z.strictObject({
  errors: z.int(),
  warnings: z.int(),
  problems: z.array(z.strictObject({
    severity: z.enum(["error", "warning"]),
    path: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    place: placeSchema.nullable(),
    holds: z.literal(true).optional(),
  })),
  /** Why the types were not checked; null when they were. */
  untyped: z.string().nullable(),
});

/** `nerve status`: cli/commands/status.ts describes the conditions. */
export const statusOutput = z.strictObject({
  condition: z.enum([
    ...["running", "starting", "stopping", "restarting", "hanging", "embedded", "busy"] as const,
    ...["down", "gave up", "killed"] as const,
  ]),
  workspace: z.string(),
  socket: z.string(),
  pid: z.int().nullable(),
  holder: z.strictObject({ kind: z.enum(["daemon", "foreground", "embedded", "command"]), program: z.string() })
    .nullable(),
  supervisor: z.int().nullable(),
  deaths: z.int(),
  problem: z.string().nullable(),
  health: healthSchema.nullable(),
  lastProblems: z.array(logRowSchema),
  logProblem: z.string().nullable(),
});

/** `nerve doctor` */
export const doctorOutput = z.strictObject({
  workspace: z.string(),
  ok: z.boolean(),
  findings: z.array(z.strictObject({
    check: z.string(),
    level: z.enum(["ok", "warning", "failed"]),
    message: z.string(),
    hint: z.string().nullable(),
  })),
});

/** `nerve version` */
export const versionOutput = z.strictObject({
  nerve: z.string(),
  form: z.enum(["source", "portable", "compiled"]),
  commit: z.string().nullable(),
  deno: z.string(),
  v8: z.string(),
});

/** `nerve uninstall`: `running` are the processes that prevent the removal; empty unless `dryRun`. */
export const uninstallOutput = z.strictObject({
  dryRun: z.boolean(),
  /** True: this nerve runs from a clone, which stays. */
  clone: z.boolean(),
  running: z.array(z.string()),
  items: z.array(z.strictObject({
    what: z.enum(["service", "completions", "executable", "cache"]),
    path: z.string(),
    removed: z.boolean(),
    problem: z.string().nullable(),
  })),
});
export type UninstallOutput = z.infer<typeof uninstallOutput>;

const permissionValues = z.partialRecord(
  z.enum([...permissionNames, "unconfined"]),
  z.union([z.literal(true), z.array(z.string())]),
);

/** `nerve sense learn`: `needed` is the smallest block; `missing` and `unused` are its differences to nerve.yaml. */
export const senseLearnOutput = z.strictObject({
  sense: z.string(),
  needed: permissionValues,
  missing: permissionValues,
  unused: permissionValues,
  computes: z.int(),
  errors: z.array(z.string()),
  ended: z.string().nullable(),
});

/** `nerve service status`: the answers of systemctl; null, with a `problem`, where systemd is missing. */
export const serviceStatusOutput = z.strictObject({
  unit: z.string(),
  path: z.string(),
  installed: z.boolean(),
  enabled: z.string().nullable(),
  active: z.string().nullable(),
  problem: z.string().nullable(),
});
export type ServiceStatusOutput = z.infer<typeof serviceStatusOutput>;

/** `nerve bundle RUN`: `lines` and `sha256` cover everything before the last line. */
export const bundleOutput = z.strictObject({ file: z.string(), lines: z.int(), bytes: z.int(), sha256: z.string() });
