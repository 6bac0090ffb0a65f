/**
 * Converts the configuration into the plans of its processes: one unit for each group and each workflow. Used by
 * config_applier.ts, validate.ts and learn_permissions.ts.
 */
import { assert } from "../base/errors.ts";
import { grantContext } from "../config/load.ts";
import { findChangeableFolders, listGrantedPaths } from "../config/permissions/changeable.ts";
import { buildSandboxEnvironment, buildSandboxPermissions, listDatabaseFiles } from "../config/permissions/grants.ts";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { describeHold, type Hold } from "../config/permissions/lock_binding.ts";
import { groupMembers, type NerveConfig, type PermissionRequest } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import type { LaunchRequest } from "../process/launcher.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { ModuleRules, ProcessSpec } from "../protocol/message.ts";
import { groupKey, type UnitKey, workflowKey } from "../protocol/unit.ts";

/**
 * The units of the workspace: groups in the order of nerve.yaml, then workflows. A group without senses has no unit.
 * `holds`: the parts of nerve.yaml that the permission lock holds back; a unit that it does not let run is blocked.
 * `environment`: by default, the one with `env_file` as it is on disk.
 */
export function planUnits(
  config: NerveConfig,
  paths: WorkspacePaths,
  holds: readonly Hold[] = [],
  environment: Environment = readEnvironment(config, paths),
): UnitPlan[] {
  const groups = [...config.groups.keys()].filter((name) => groupMembers(config, name).length > 0);
  const { home } = grantContext, changeable = findChangeableFolders(config, paths, home);
  const blocked = new Map<UnitKey, string>(
    holds.filter(({ runs }) => !runs).map((hold) => [hold.unit, describeHold(hold)]),
  );
  return [
    ...groups.map((name) => planGroup(config, paths, name, environment)),
    ...[...config.workflows.keys()].map((name) => planWorkflow(config, paths, name, environment)),
  ].map((plan) => ({
    ...plan,
    request: { ...plan.request, grants: { ...plan.request.grants, changeable } },
    blocked: blocked.get(plan.key) ?? null,
  }));
}

function planGroup(config: NerveConfig, paths: WorkspacePaths, name: string, environment: Environment): UnitPlan {
  const senses = groupMembers(config, name), group = config.groups.get(name);
  assert(group !== undefined, `group ${name} is configured`);
  const spec: ProcessSpec = {
    ...toSharedSpec(config, paths, "group", name),
    unconfined: senses.some((sense) => sense.permissions.unconfined === true),
    modules: toModuleRules(
      [...new Set(senses.map(({ use }) => paths.senseFolder(use))), paths.lib],
      senses.map((sense) => sense.permissions),
    ),
    senses: senses.map((sense) => ({
      name: sense.name,
      entry: paths.senseEntry(sense.use),
      migrations: paths.migrations(sense.use),
      database: paths.senseDatabase(sense.name),
      tryFor: null,
      peers: sense.peers,
      config: sense.config,
    })),
    workflow: null,
  };
  return {
    key: groupKey(name),
    spec,
    request: toLaunchRequest(group, spec, senses.map((sense) => sense.permissions), paths, environment),
    keepAlive: senses.some((sense) => sense.keepAlive),
    pinned: false,
    blocked: null,
  };
}

function planWorkflow(config: NerveConfig, paths: WorkspacePaths, name: string, environment: Environment): UnitPlan {
  const workflow = config.workflows.get(name);
  assert(workflow !== undefined, `workflow ${name} is configured`);
  const { people, groups } = config.approvers, approvers = [...people.keys(), ...groups.keys()];
  const { peers, agents, config: own } = workflow;
  const spec: ProcessSpec = {
    ...toSharedSpec(config, paths, "workflow", name),
    unconfined: workflow.permissions.unconfined === true,
    modules: toModuleRules([paths.workflowFolder(workflow.use), paths.lib], [workflow.permissions]),
    senses: [],
    workflow: {
      name,
      entry: paths.workflowEntry(workflow.use),
      peers,
      approvers,
      agents: [...agents.keys()],
      engine: workflow.engine,
      config: own,
    },
  };
  const limits = { memoryBytes: workflow.memoryBytes, diskBytes: null };
  const request = toLaunchRequest(limits, spec, [workflow.permissions], paths, environment);
  return { key: workflowKey(name), spec, request, keepAlive: false, pinned: false, blocked: null };
}

function toSharedSpec(
  config: NerveConfig,
  paths: WorkspacePaths,
  kind: "group" | "workflow",
  name: string,
): Omit<ProcessSpec, "senses" | "workflow" | "modules" | "unconfined"> {
  return {
    kind,
    name,
    permissions: buildSandboxPermissions(config, paths, { kind, name }, grantContext),
    logDatabase: paths.logDatabase,
    blobs: paths.blobs,
    senseDatabases: paths.senseDatabases,
    allSenses: [...config.senses.keys()],
  };
}

function toModuleRules(folders: readonly string[], declared: readonly PermissionRequest[]): ModuleRules {
  const wanted = declared.map((request) => request.import ?? []);
  if (wanted.includes(true)) return { folders, packages: true };
  const packages = wanted.flatMap((list) => list === true ? [] : list.filter((value) => value.startsWith("npm:")));
  return { folders, packages: [...new Set(packages)] };
}

function toLaunchRequest(
  { memoryBytes, diskBytes }: { readonly memoryBytes: number; readonly diskBytes: number | null },
  spec: ProcessSpec,
  declared: readonly PermissionRequest[],
  paths: WorkspacePaths,
  { all }: Environment,
): LaunchRequest {
  const files = spec.senses.flatMap((sense) => listDatabaseFiles(sense.database));
  return {
    memoryBytes,
    disk: diskBytes === null ? null : { limitBytes: diskBytes, files },
    written: listWritten(spec),
    auditFile: null,
    trial: false,
    grants: { granted: listGrantedPaths(declared, paths, grantContext.home), changeable: new Set() },
    env: buildSandboxEnvironment(spec.permissions, all),
    remoteImports: toRemoteImports(spec, declared),
  };
}

/** The blobs are left out: they belong to all units together. */
function listWritten({ permissions: { write }, blobs }: ProcessSpec): string[] {
  const folders = Array.isArray(write) ? write.filter((path) => path !== blobs) : [];
  return folders.flatMap((path) => path.endsWith(".db") ? listDatabaseFiles(path) : [path]);
}

function toRemoteImports(spec: ProcessSpec, declared: readonly PermissionRequest[]): readonly string[] | boolean {
  if (declared.every((request) => request.import === undefined)) return false;
  const hosts = spec.permissions.import;
  return hosts === false ? [] : hosts;
}
