/**
 * `nerve permissions diff` and `nerve permissions approve`: compare what nerve.yaml asks for with what the user agreed
 * to in nerve.permissions.lock. Only `approve` writes the lock, and only what it has printed.
 */
import { join } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import {
  type ApproverGrowth,
  findApproverGrowth,
  formatApproverGrowth,
  type LockedApprovers,
} from "../../config/permissions/approver_lock.ts";
import {
  createLock,
  emptyLock,
  findGrowth,
  formatGrowth,
  formatLock,
  type LockGrowth,
  type LockOnDisk,
  type PermissionLock,
  permissionLockName,
  readLock,
  writeLock,
} from "../../config/permissions/lock_file.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ReloadReply } from "../../protocol/api.ts";
import { findGrantProblems, type GrantProblem, printGrantProblems, refusesGrant } from "../grant_problems.ts";
import { type CliIo, exit } from "../io.ts";
import type { PermissionsApproveOutput, PermissionsDiffOutput } from "../render/permission_schemas.ts";
import { dim, plural, print, printJson, sign } from "../render/terminal.ts";
import { askIfRunning, openWorkspace, requireParsedConfig } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

interface Difference {
  readonly found: LockOnDisk;
  readonly wanted: PermissionLock;
  readonly added: readonly LockGrowth[];
  readonly removed: readonly LockGrowth[];
  /** The changes of approvers; a lock without approvers is compared as if it named no one. */
  readonly approvers: { readonly added: readonly ApproverGrowth[]; readonly removed: readonly ApproverGrowth[] };
  /** The problems of the units that `added` names. */
  readonly problems: readonly GrantProblem[];
}

export async function permissionsDiff(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), difference = await compare(paths);
  if (flags.json) printJson(io, toDocument(paths, difference));
  else {
    printDifference(io, difference);
    if (!isAgreed(difference)) print(io, `${sign.next} nerve permissions approve agrees to it`);
  }
  return isAgreed(difference) ? exit.ok : exit.failed;
}

export async function permissionsApprove(io: CliIo, flags: Flags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), difference = await compare(paths);
  const { found, wanted } = difference;
  // Prints before it agrees, even when the output is read later.
  if (!flags.json) printDifference(io, difference);
  if (refusesGrant(difference.problems)) {
    const message = difference.problems.find(({ severity }) => severity === "error")?.message ?? "";
    throw new NerveError("CONFIG_INVALID", `nothing was approved: ${message}`, { hint: "nerve validate shows where" });
  }
  const written = found.kind !== "read" || found.text !== formatLock(wanted);
  if (written) await writeLock(wanted, paths);
  const { reply, problem } = await askToTakeUp(paths);
  if (flags.json) {
    printJson(io, { ...toDocument(paths, difference), written, daemon: reply } satisfies PermissionsApproveOutput);
  } else {
    print(io, `${sign.ok} ${written ? "approved" : "approved already"}: ${toPrintable(lockFile(paths))}`);
    for (const unit of reply?.replaced ?? []) print(io, `${sign.ok} ${unit}: new work gets a new process`);
    if (reply?.configError != null) print(io, `${sign.warning} nerve.yaml has errors; the previous one stays in force`);
  }
  if (problem !== null) throw problem;
  return exit.ok;
}

/** The daemon's answer to a reload; null when no daemon runs. A daemon that does not answer is a problem of its own. */
async function askToTakeUp(paths: WorkspacePaths): Promise<{ reply: ReloadReply | null; problem: NerveError | null }> {
  try {
    return { reply: await askIfRunning(paths, (client) => client.reload()), problem: null };
  } catch (thrown) {
    if (!(thrown instanceof NerveError)) throw thrown;
    return { reply: null, problem: thrown };
  }
}

async function compare(paths: WorkspacePaths): Promise<Difference> {
  const parsed = await requireParsedConfig(paths), wanted = createLock(parsed.config), found = await readLock(paths);
  const agreed = found.kind === "read" ? found.lock : emptyLock, added = findGrowth(agreed, wanted);
  const units = new Set(added.map(({ section, name }) => `${section === "senses" ? "sense" : "workflow"} ${name}`));
  const problems = (await findGrantProblems(parsed, paths)).filter(({ kind, name }) => units.has(`${kind} ${name}`));
  const nobody: LockedApprovers = { people: {}, groups: {} };
  const approvers = {
    added: findApproverGrowth(agreed.approvers ?? nobody, wanted.approvers),
    removed: findApproverGrowth(wanted.approvers ?? nobody, agreed.approvers ?? nobody),
  };
  return { found, wanted, added, removed: findGrowth(wanted, agreed), approvers, problems };
}

function isAgreed({ found, added, removed, approvers }: Difference): boolean {
  const changes = [added, removed, approvers.added, approvers.removed];
  return found.kind === "read" && changes.every(({ length }) => length === 0);
}

function toDocument(
  paths: WorkspacePaths,
  { found, added, removed, approvers, problems }: Difference,
): PermissionsDiffOutput {
  const people = (growth: readonly ApproverGrowth[]) =>
    growth.map(({ name, what, values }) => ({
      ...{ kind: "approver" as const, name: name ?? "", permission: what },
      values: name === null ? true as const : [...values],
    }));
  const list = (growth: readonly LockGrowth[]) =>
    growth.map(({ section, name, permission, values }) => ({
      kind: section === "senses" ? "sense" as const : "workflow" as const,
      name,
      permission,
      values: values === true ? true as const : [...values],
    }));
  return {
    lock: lockFile(paths),
    exists: found.kind !== "none",
    problem: found.kind === "unusable" ? `${permissionLockName} ${found.why}` : null,
    added: [...list(added), ...people(approvers.added)],
    removed: [...list(removed), ...people(approvers.removed)],
    problems: [...problems],
  };
}

function printDifference(io: CliIo, { found, added, removed, approvers, problems }: Difference): void {
  if (found.kind === "none") print(io, `${sign.idle} there is no ${permissionLockName}: nothing was approved yet`);
  if (found.kind === "unusable") print(io, `${sign.failed} ${permissionLockName} ${toPrintable(found.why)}`);
  const lines = [...added.map((each) => ({ mark: "+", each })), ...removed.map((each) => ({ mark: "-", each }))];
  const units = Map.groupBy(lines, ({ each }) => `${each.section === "senses" ? "sense" : "workflow"} ${each.name}`);
  for (const [unit, changes] of units) {
    print(io, unit);
    for (const { mark, each } of changes) print(io, `  ${mark} ${toPrintable(formatGrowth(each))}`);
  }
  const people = [
    ...approvers.added.map((each) => `+ ${formatApproverGrowth(each)}`),
    ...approvers.removed.map((each) => `- ${formatApproverGrowth(each)}`),
  ];
  if (people.length > 0) print(io, "approvers");
  for (const line of people) print(io, `  ${toPrintable(line)}`);
  printGrantProblems(io, problems, true);
  const count = `${plural(added.length, "permission")} to approve, ${
    plural(removed.length, "permission")
  } no longer asked for`;
  print(io, dim(io, lines.length + people.length === 0 ? "nerve.yaml asks for nothing that was not approved" : count));
}

function lockFile({ root }: WorkspacePaths): string {
  return join(root, permissionLockName);
}
