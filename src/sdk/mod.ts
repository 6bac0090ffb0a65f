/**
 * The module that authors of senses and workflows import as "nerve": types and a few helpers. The sandbox
 * (src/sandbox/) supplies the objects that the types describe.
 */
export { formatDuration, formatSize, parseDuration, parseSize } from "../base/duration.ts";
export type { Result } from "../base/result.ts";
export type { HookDelivery } from "../protocol/delivery.ts";
export type { Json, JsonObject } from "../protocol/json.ts";
export type { LogRow } from "../protocol/log.ts";
export type { RunMessage, RunStart } from "../protocol/run.ts";
export type { ComputeTrigger as Trigger, Signal } from "../protocol/signal.ts";
export {
  agent,
  type AgentArtifact,
  type AgentMeta,
  type AgentRequest,
  type AgentRole,
  type ArtifactSchema,
} from "./agent.ts";
export { command, type CommandOptions, type CommandResult } from "./command.ts";
export { type Option, option, readConfig } from "./config.ts";
export { pause } from "./pause.ts";
export { prune } from "./prune.ts";
export { defineSense } from "./sense.ts";
export type {
  Blobs,
  LogFunction,
  SenseContext,
  SenseDatabase,
  SenseLogs,
  SenseOutput,
  WorkflowDirective,
} from "./sense.ts";
export type {
  SenseSqlite,
  SqliteChanges,
  SqliteInput,
  SqliteNamed,
  SqliteParameters,
  SqliteRow,
  SqliteStatement,
  SqliteStatementOptions,
  SqliteValue,
} from "./sqlite.ts";
export { listSystemFolder, readSystemFile } from "./system_file.ts";
export { type MailAnswer, type MailServer, type MailText, sendMail } from "./mail.ts";
export { inspectTls, type TlsAnswer } from "./tls.ts";
export {
  defineWorkflow,
  END,
  type EndedAs,
  failRun,
  type FinallyContext,
  type FinallyFunction,
  type FinallyObject,
  killRun,
  type ModeratorContext,
  type RetryPolicy,
  type Role,
  type RoleContext,
  type RoleEffect,
  type RoleFunction,
  type RoleObject,
  type RoleResult,
  type RunEnding,
  START,
  type Workflow,
} from "./workflow.ts";
export {
  type Child,
  type Children,
  children,
  type ChildResult,
  event,
  type EventWait,
  type Gate,
  gate,
  type GateRequest,
  type Sleep,
  sleep,
  type SleepTime,
  type Span,
  type Wait,
  type WaitContext,
} from "./waits.ts";
