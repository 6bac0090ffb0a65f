/**
 * `nerve develop REPO --requirements FILE`: starts a run of the workflow `develop` with the current template and
 * personas, and returns at the run's first rest: it waits for a person, is paused, or has ended.
 */
import { resolve } from "node:path";
import { NerveError } from "../../base/errors.ts";
import { ifPresentAsync, isMissing } from "../../base/if_present.ts";
import { resolveRequest } from "../../config/permissions/grants.ts";
import { pathContains } from "../../config/permissions/path_contains.ts";
import type { WorkflowConfig } from "../../config/types.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ControlClient } from "../../control/client/client.ts";
import { isPlainObject, type JsonObject } from "../../protocol/json.ts";
import type { LogRow } from "../../protocol/log.ts";
import { type Run, runIdSchema } from "../../protocol/run.ts";
import { readPins } from "../develop_pins.ts";
import { followRows } from "../follow_rows.ts";
import { type CliIo, exit } from "../io.ts";
import { openRecordsOrEmpty } from "../open_records.ts";
import type { DevelopOutput } from "../render/worktree_schemas.ts";
import { clip, print, printJson, runSign, sign } from "../render/terminal.ts";
import { connect, openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly requirements?: string | undefined;
  readonly base?: string | undefined;
  readonly agent?: string | undefined;
  readonly id?: string | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** The workflow that is started, and the folder of its code unless nerve.yaml names another. */
const workflow = "develop";

export async function develop(io: CliIo, flags: Flags, repository: string): Promise<number> {
  const { id } = flags;
  if (id !== undefined && !runIdSchema.safeParse(id).success) {
    throw new NerveError("USAGE", `--id ${id} is not a valid run id`, {
      hint: "use up to 128 letters, digits, dots, underscores and hyphens; begin with a letter or a digit",
    });
  }
  const paths = await openWorkspace(io, flags.workspace);
  using client = await connect(paths);
  const before = id === undefined ? null : await findRun(client, id);
  const payload = before === null ? await createPayload(io, flags, paths, repository) : null;
  const started = before ?? await start(client, payload ?? {}, id);
  if (before !== null && !flags.json) {
    io.stderr.write(`${sign.warning} attached to run ${before.runId}; nothing was started\n`);
  }
  if (!flags.json) print(io, started.runId);
  const run = await untilRest(io, client, started.runId, flags.json);
  if (run === null) return exit.interrupted;
  using records = openRecordsOrEmpty(paths);
  const requests = records.approvals({ runId: run.runId, all: false, limit: 20, offset: 0 }).items;
  if (flags.json) printJson(io, { run, requests } satisfies DevelopOutput);
  else {
    const why = run.reason === null ? "" : `: ${clip(run.reason, 1_000)}`;
    io.stderr.write(`${runSign[run.status]} ${run.status}${why}\n`);
    for (const request of requests) io.stderr.write(`${sign.next} nerve approvals ${request.id}\n`);
  }
  return run.endedAt === null ? exit.ok : run.exitCode ?? exit.failed;
}

/** Lists of runs show the first line of the requirements. */
function start(client: ControlClient, payload: JsonObject, id: string | undefined): Promise<Run> {
  const [first = ""] = String(payload.requirements ?? "").trim().split("\n");
  return client.startRun(workflow, { payload, prompt: first.slice(0, 200), ...id === undefined ? {} : { runId: id } });
}

async function findRun(client: ControlClient, id: string): Promise<Run | null> {
  const run = await client.run(id, false).catch((thrown: unknown) => {
    if (thrown instanceof NerveError && thrown.code === "RUN_UNKNOWN") return null;
    throw thrown;
  });
  if (run === null || run.workflow === workflow) return run;
  throw new NerveError("RUN_CONFLICT", `run ${id} is one of workflow ${run.workflow}`, { hint: "use another id" });
}

/** Null when the command was interrupted. A queued run rests, too: its turn may come in days. */
async function untilRest(io: CliIo, client: ControlClient, runId: string, json: boolean): Promise<Run | null> {
  for (;;) {
    const [newest] = await client.logs({ refId: runId, order: "desc", limit: 1 });
    const run = await client.run(runId, false);
    if (run.status !== "started") return run;
    const next = { filter: { refId: runId }, afterId: newest?.id ?? 0 };
    const isOver = await followRows(io, client, next, (item) => {
      if (item.kind === "row") tellRequest(io, json, item.row);
      return item.kind === "row" && isRest(item.row) ? "over" : undefined;
    });
    if (!isOver) return null;
  }
}

/** Prints what an agent asks while it works: the run does not rest then, and would never end without an answer. */
function tellRequest(io: CliIo, json: boolean, { type, payload }: LogRow): void {
  const request = type === "approval.requested" && isPlainObject(payload) ? payload.request : null;
  if (json || !isPlainObject(request) || request.kind !== "leave") return;
  io.stderr.write(`${sign.next} ${clip(String(request.title), 300)}: nerve approvals ${request.id}\n`);
}

function isRest({ type, payload }: LogRow): boolean {
  return type === "run.waiting" || type === "run.paused" ||
    (isPlainObject(payload) && typeof payload.endedAt === "number");
}

async function createPayload(io: CliIo, flags: Flags, paths: WorkspacePaths, repository: string): Promise<JsonObject> {
  const repo = await findFolder(resolve(io.cwd, repository)),
    requirements = await readRequirements(io, flags.requirements);
  const found = (await requireConfig(paths)).workflows.get(workflow);
  if (found === undefined) {
    throw new NerveError("WORKFLOW_UNKNOWN", `there is no workflow ${workflow} in nerve.yaml`, {
      hint: `nerve workflow add ${workflow}, then grant it your repository and give it an agent`,
    });
  }
  const { config, agents } = found, agent = flags.agent ?? null, base = flags.base ?? null;
  const named = agent ?? (typeof config.agent === "string" ? config.agent : null);
  if (named !== null && !agents.has(named)) {
    const list = [...agents.keys()].join(", ");
    throw new NerveError("USAGE", `nerve.yaml does not give the agent ${named} to workflow ${workflow}`, {
      hint: list === "" ? `workflows.${workflow}: { agents: [${named}] }` : `there are: ${list}`,
    });
  }
  await checkGrants(found, paths, repo, io.env["HOME"] ?? null);
  const template = typeof config.template === "string" ? config.template : "development";
  const baseBranch = base ?? (typeof config.base === "string" ? config.base : "main");
  const pins = await readPins(paths.workflowFolder(found.use), template);
  return { repo, baseBranch, requirements, ...agent === null ? {} : { agent }, ...pins };
}

async function findFolder(path: string): Promise<string> {
  try {
    const real = await Deno.realPath(path);
    if ((await Deno.stat(real)).isDirectory) return real;
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
  throw new NerveError("USAGE", `${path} is not a folder`, { hint: "name the folder of a git repository" });
}

const requirementsMaxBytes = 128 * 1024;

async function readRequirements(io: CliIo, file: string | undefined): Promise<string> {
  const hint = "nerve develop REPO --requirements FILE: the file says in your words what is wanted";
  if (file === undefined) throw new NerveError("USAGE", "the requirement is missing", { hint });
  let text: string;
  try {
    text = await Deno.readTextFile(resolve(io.cwd, file));
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
    throw new NerveError("USAGE", `there is no file ${file}`, { hint });
  }
  if (text.trim() === "") throw new NerveError("USAGE", `${file} is empty`, { hint });
  if (new TextEncoder().encode(text).length <= requirementsMaxBytes) return text;
  throw new NerveError("USAGE", `${file} is larger than ${requirementsMaxBytes} bytes`, {
    hint: "put what is long into the repository, and name it",
  });
}

/** Fails before a run would. The daemon reports permissions that were not approved. */
async function checkGrants(
  { permissions }: WorkflowConfig,
  { root }: WorkspacePaths,
  repo: string,
  home: string | null,
): Promise<void> {
  const own = await findGitFolder(repo);
  const covers = (permission: "read" | "write", path: string) =>
    resolveRequest({ [permission]: permissions[permission] ?? [] }, root, home).some(({ value }) =>
      value === true || pathContains(value, path)
    );
  const missing = [...covers("read", repo) ? [] : [`read: ${repo}`], ...covers("write", own) ? [] : [`write: ${own}`]];
  if (missing.length === 0) return;
  throw new NerveError("CONFIG_INVALID", `workflow ${workflow} is not granted ${missing.join(", nor ")}`, {
    hint: `add it to workflows.${workflow}.permissions in nerve.yaml, then: nerve permissions approve`,
  });
}

/** Where git keeps a repository's data: in a bare repository itself, in `.git`, or where that of a worktree leads. */
async function findGitFolder(repo: string): Promise<string> {
  const inside = `${repo}/.git`, info = await ifPresentAsync(() => Deno.lstat(inside));
  if (info === null) return repo;
  const [, to] = info.isFile ? /^gitdir: (.+)$/m.exec(await Deno.readTextFile(inside)) ?? [] : [];
  if (to === undefined) return inside;
  const folder = resolve(repo, to);
  return /\/worktrees\/[^/]+$/.test(folder) ? resolve(folder, "../..") : folder;
}
