/**
 * Validates a workflow's roles as their author wrote them, and turns them into plans, with durations in milliseconds
 * and defaults filled in. Pure; used by workflow_runtime.ts when the module is loaded, so that an invalid role stops
 * runs before they begin, never midway.
 */
import { roleNameMaxChars, roleTimeoutMaxMs, timeoutMinMs } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { isStorableText } from "../base/storable_text.ts";
import { isPlainObject } from "../protocol/json.ts";
import { END, readEnding, type RoleEffect, type RoleFunction, START } from "../sdk/workflow.ts";
import { type AgentSetting, isAgentRole, readAgentRole } from "./agent_roles.ts";
import { readRetryPolicy, type RetryPlan } from "./retry_policy.ts";
import { readSpan } from "./spans.ts";
import type { WaitPlan } from "./wait_plan.ts";
import { isWait, readWaitPlan } from "./waits.ts";

export interface RolePlan extends RetryPlan {
  readonly run: RoleFunction;
  readonly effect: RoleEffect;
  /** Null: no time limit. */
  readonly timeoutMs: number | null;
}

const effects: readonly RoleEffect[] = ["idempotent", "pure", "once"];

/** A role that the runtime plays, or one that the kernel plays. */
export type AnyPlan = RolePlan | WaitPlan;

/** A setting without agents. */
const nobody: AgentSetting = { agents: [], folder: "" };

/**
 * The roles of the workflow that a module exports, or what is wrong with it. `approvers`: the approvers that its gates
 * may name; `setting`: the agents that its roles may ask.
 */
export function readWorkflow(
  exported: unknown,
  approvers: readonly string[],
  setting: AgentSetting = nobody,
): Result<ReadonlyMap<string, AnyPlan>, string> {
  if (!isPlainObject(exported)) {
    return err("has no default export: write export default defineWorkflow({ roles, moderator })");
  }
  return typeof exported.moderator === "function"
    ? readRoles(exported.roles, approvers, setting)
    : err("its moderator is not a function");
}

/** All roles by name, or what is wrong with the first invalid one. `approvers` and `setting` as for `readWorkflow`. */
export function readRoles(
  roles: unknown,
  approvers: readonly string[] = [],
  setting: AgentSetting = nobody,
): Result<ReadonlyMap<string, AnyPlan>, string> {
  if (!isPlainObject(roles) || Object.keys(roles).length === 0) return err("it has no roles");
  const plans = new Map<string, AnyPlan>();
  for (const [name, role] of Object.entries(roles)) {
    if (name === "" || name === START || name === END || readEnding(name) !== null || !isStorableText(name)) {
      return err(`${JSON.stringify(name)} cannot be the name of a role`);
    }
    if (name.length > roleNameMaxChars) return err(`a role's name is longer than ${roleNameMaxChars} characters`);
    const plan = isWait(role)
      ? readWaitPlan(role)
      : isAgentRole(role)
      ? toPlan(readAgentRole(name, role, setting))
      : readRole(role);
    if (!plan.ok) return err(`its role ${name} ${plan.error}`);
    const named = "ask" in plan.value ? plan.value.approvers ?? [] : [];
    const stranger = named.find((approver) => !approvers.includes(approver));
    if (stranger !== undefined) {
      return err(`its role ${name} names ${JSON.stringify(stranger)}, who is not among the approvers of nerve.yaml`);
    }
    plans.set(name, plan.value);
  }
  return ok(plans);
}

/** `attempts` of an agent role are for the artifact: other failures are not retried. */
function toPlan(read: Result<Pick<RolePlan, "run" | "timeoutMs">, string>): Result<RolePlan, string> {
  const policy = readRetryPolicy(undefined);
  if (!read.ok) return read;
  return policy.ok ? ok({ ...policy.value, ...read.value, effect: "idempotent" }) : policy;
}

function readRole(role: unknown): Result<RolePlan, string> {
  const object = typeof role === "function" ? { run: role } : role;
  if (!isPlainObject(object) || typeof object.run !== "function") {
    return err("is neither a function nor an object with a run function");
  }
  const { run, timeout, retry, effect = "idempotent", ...rest } = object;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return err(`has an unknown key ${unknown}: the keys are run, effect, timeout and retry`);
  if (!isEffect(effect)) return err(`has an effect that is none of ${effects.join(", ")}`);
  if (effect === "once" && retry !== undefined) {
    return err('has the effect "once" and a retry: such a role is never retried automatically, a person decides');
  }
  const timeoutMs = timeout === undefined ? ok(null) : readSpan("timeout", timeout, timeoutMinMs, roleTimeoutMaxMs);
  if (!timeoutMs.ok) return timeoutMs;
  const policy = readRetryPolicy(retry);
  if (!policy.ok) return policy;
  return ok({ run: run as RoleFunction, effect, timeoutMs: timeoutMs.value, ...policy.value });
}

function isEffect(effect: unknown): effect is RoleEffect {
  return effects.some((each) => each === effect);
}
