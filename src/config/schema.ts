/**
 * The shape of nerve.yaml as users write it: every key, its type and its bounds. build.ts applies the defaults,
 * schema_issues.ts turns zod's issues into diagnostics, and check.ts has the rules between entries.
 * Unknown keys are errors everywhere. A key without a value counts as absent.
 */
import * as z from "zod";
import { alertWaitMinMs } from "../base/alert_limits.ts";
import {
  concurrencyMax,
  diskMinBytes,
  intervalMinMs,
  maxRoundsMax,
  memoryMinBytes,
  queueMax,
  retentionMinMs,
  scheduleLinesMax,
  threadMinBytes,
  timeoutMinMs,
} from "../base/limits.ts";
import { hookBacklogMax, listenHostsMax } from "../base/hook_limits.ts";
import { remindMinMs } from "../base/wait_limits.ts";
import { watchPatternsMax } from "../base/watch_limits.ts";
import { alertSeverities } from "../protocol/alert.ts";
import { isPlainObject, type JsonObject } from "../protocol/json.ts";
import { agentEntry } from "./agent_schema.ts";
import { readPermissionRequest } from "./permissions/request.ts";
import { addIssue, count, duration, size, textOr } from "./schema_parts.ts";
import type { PermissionRequest } from "./types.ts";

const permissions = z.unknown().transform((value, context): PermissionRequest => {
  const { request, faults } = readPermissionRequest(value);
  for (const { path, message, hint } of faults) addIssue(context, message, hint, path);
  return request;
}).optional();

/** Null selects the default of the entry. */
const peers = z.unknown().transform((value, context): "all" | string[] | null => {
  if (value === null || value === undefined) return null;
  if (value === "all") return "all";
  if (!Array.isArray(value)) {
    addIssue(context, "must be all or a list of sense names", null);
    return z.NEVER;
  }
  value.forEach((name, index) => {
    if (typeof name !== "string") addIssue(context, "must be the name of a sense", null, [index]);
  });
  return [...new Set(value)];
}).optional();

/** Passed to the author's code unchanged. */
const userConfig = z.unknown().transform((value, context): JsonObject => {
  if (value === null || value === undefined) return {};
  // The document's values are JSON already (yaml/document.ts, I2).
  if (isPlainObject(value)) return value as JsonObject;
  addIssue(context, "must be a mapping", "write { key: value }");
  return z.NEVER;
}).optional();

const text = z.string().nullish();

const envFile = z.unknown().transform((value, context): string | null => {
  if (value === null || value === undefined) return null;
  const fault = typeof value !== "string" || value.trim() === ""
    ? "must be the path of a file"
    : /[\0$*]/.test(value) || /^~[^/]/.test(value)
    ? "nothing is expanded in it but ~/"
    : null;
  if (fault === null) return String(value);
  addIssue(context, fault, "write .env");
  return z.NEVER;
}).optional();

const sense = z.strictObject({
  use: text,
  group: text,
  throttle: duration(0),
  timeout: duration(timeoutMinMs),
  grace_period: duration(0),
  startup_delay: duration(0),
  permissions,
  keep_alive: z.boolean().nullish(),
  peers,
  config: userConfig,
});

const group = z.strictObject({ memory: size(memoryMinBytes), disk: size(diskMinBytes) });

const reflex = z.strictObject({
  kind: z.literal("sense").nullish(),
  sense: z.string(),
  interval: duration(intervalMinMs),
  cron: text,
  timezone: text,
  catch_up: z.enum(["once", "none"]).nullish(),
  jitter: duration(0),
  on: z.array(z.string()).nullish(),
  hook: text,
  watch: z.array(z.string()).max(watchPatternsMax).nullish(),
  debounce: duration(0),
});

const schedule = z.strictObject({
  cron: text,
  timezone: text,
  catch_up: z.enum(["once", "none"]).nullish(),
  prompt: text,
});

const workflow = z.strictObject({
  use: text,
  engine: text,
  concurrency: count(concurrencyMax),
  overflow: z.enum(["drop", "queue"]).nullish(),
  max_queue: count(queueMax),
  max_rounds: count(maxRoundsMax),
  drain_timeout: duration(0),
  max_thread: size(threadMinBytes),
  waiting: z.enum(["keep", "release"]).nullish(),
  permissions,
  memory: size(memoryMinBytes),
  peers,
  agents: z.array(z.string()).nullish(),
  schedule: z.array(schedule).max(scheduleLinesMax).nullish(),
  config: userConfig,
});

/** A person with one or more keys, or a group of people. */
const approver = z.unknown().transform((value, context): string[] | { key: string | string[] } | null => {
  if (value === null || value === undefined) return null;
  const isTexts = (each: unknown): each is string[] =>
    Array.isArray(each) && each.every((one) => typeof one === "string");
  if (isTexts(value)) return value;
  const { key, ...rest } = isPlainObject(value) ? value : {}, [unknown] = Object.keys(rest);
  if (unknown === undefined && (typeof key === "string" || isTexts(key))) return { key };
  addIssue(
    context,
    unknown === undefined ? "must be a person or a group of people" : `unknown key ${JSON.stringify(unknown)}`,
    "write { key: ssh-ed25519 AAAA... } for a person, [ada, bob] for a group",
  );
  return z.NEVER;
});

const approvals = z.strictObject({ notify: text, remind: duration(remindMinMs) });

const alert = z.strictObject({
  /** Required; alert_entries.ts reports a missing one, because a fault here would drop the whole entry. */
  sense: text,
  when: text,
  clear: text,
  for: duration(0),
  keep_firing_for: duration(0),
  absent: duration(alertWaitMinMs),
  key: text,
  severity: z.enum(alertSeverities).nullish(),
  summary: text,
  workflow: text,
  repeat: duration(alertWaitMinMs),
  limit: text,
});

const verify = z.strictObject({
  hmac: z.enum(["sha1", "sha256", "sha512"]).nullish(),
  token: text,
  header: text,
  prefix: text,
  encoding: z.enum(["hex", "base64"]).nullish(),
});

/** hook_entries.ts checks which keys are required: here, a missing one would drop the whole entry. */
const hook = z.strictObject({
  secret: textOr(z.array(z.string()), "must name a variable", "write env GIT_HOOK_SECRET"),
  verify: textOr(verify, "must be a way to verify", "write github, or { hmac: sha256, header: X-Signature }"),
  dedup: textOr(z.array(z.string()), "must be header NAME, body or none", null),
  max_body: size(1),
  rate: text,
  backlog: count(hookBacklogMax),
});

const listenAddress = z.strictObject({ address: text, hosts: z.array(z.string()).max(listenHostsMax).nullish() });
const listen = textOr(listenAddress, "must be an address with a port", "write 127.0.0.1:7077");

const addresses = textOr(z.array(z.string()), "must be an address or a list of them", "write http://127.0.0.1:8080");
const engine = z.strictObject({
  kind: z.enum(["restate"]).nullish(),
  ingress: addresses,
  admin: addresses,
  listen: text,
  endpoint: text,
  identity: textOr(z.array(z.string()), "must be a public key or a list of them", "write publickeyv1_..."),
  secret: textOr(z.array(z.string()), "must name a variable", "write env ENGINE_SECRET"),
  service: text,
});

export const fileSchema = z.strictObject({
  /** The versions of nerve that this file is for; parse.ts checks it first. */
  nerve: text,
  max_rounds: count(maxRoundsMax),
  retention: duration(retentionMinMs),
  env_file: envFile,
  isolation: z.enum(["prefer", "require"]).nullish(),
  senses: z.record(z.string(), sense.nullable()).nullish(),
  groups: z.record(z.string(), group.nullable()).nullish(),
  reflexes: z.array(reflex).nullish(),
  workflows: z.record(z.string(), workflow.nullable()).nullish(),
  alerts: z.record(z.string(), alert.nullable()).nullish(),
  hooks: z.record(z.string(), hook.nullable()).nullish(),
  listen,
  agents: z.record(z.string(), agentEntry.nullable()).nullish(),
  engines: z.record(z.string(), engine.nullable()).nullish(),
  approvers: z.record(z.string(), approver).nullish(),
  approvals: approvals.nullish(),
});

export type FileShape = z.infer<typeof fileSchema>;
export type SenseShape = z.infer<typeof sense>;
export type ReflexShape = z.infer<typeof reflex>;
export type ScheduleShape = z.infer<typeof schedule>;
export type WorkflowShape = z.infer<typeof workflow>;
export type AlertShape = z.infer<typeof alert>;
export type HookShape = z.infer<typeof hook>;
export type EngineShape = z.infer<typeof engine>;

/** The known keys of the mapping at `path`, for "did you mean". */
export function listKnownKeys(path: readonly PropertyKey[]): string[] {
  const [section] = path;
  if (path.length === 0) return Object.keys(fileSchema.shape);
  if (path.length === 1 && section === "approvals") return Object.keys(approvals.shape);
  if (path.length === 1 && section === "listen") return Object.keys(listenAddress.shape);
  if (section === "hooks" && path[2] === "verify" && path.length === 3) return Object.keys(verify.shape);
  const others = { reflexes: reflex, workflows: workflow, engines: engine, agents: agentEntry };
  const entries = { senses: sense, groups: group, alerts: alert, hooks: hook, ...others };
  for (const [name, entry] of Object.entries(entries)) {
    if (name === section && path.length === 2) return Object.keys(entry.shape);
  }
  if (section === "workflows" && path[2] === "schedule" && path.length === 4) return Object.keys(schedule.shape);
  return [];
}
