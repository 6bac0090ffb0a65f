/**
 * From a requirement to a branch: agents write a specification, a plan and the code in a worktree of their own; tests
 * are run, the work is reviewed and sent back, and people decide at gates.
 * prepare -> specification -> spec_approved -> plan -> implementation -> tests -> review -> summary -> merge_approved;
 * failed tests and a review that wants changes lead back to implementation, as often as the template allows.
 * I1. The repository gets one branch, nerve/RUN, and nothing else: nothing is merged, pushed or checked out there.
 * I2. What the run started from is in its first message; later changes of the template do not affect it.
 */
import {
  agent,
  command,
  defineWorkflow,
  type FinallyContext,
  gate,
  type JsonObject,
  option,
  readConfig,
  type RoleContext,
  type WaitContext,
} from "nerve";
import { fileURLToPath } from "node:url";
import {
  commitRest,
  copyIgnored,
  discardRest,
  fillSubmodules,
  isChanged,
  look,
  makeWorktree,
  type Place,
  readWork,
} from "./git.ts";
import { choose, roleOf, startOf } from "./course.ts";
import { planSchema, reviewSchema, specificationSchema } from "./schemas.ts";
import { checkPersonas, parse, pin } from "./pins.ts";
import { formatReport, formatSpecification, formatWork, lastOf, promptOf, type Start, titleOf } from "./texts.ts";

function readSettings(config: JsonObject) {
  return readConfig(config, {
    agent: option.text(null),
    base: option.text("main"),
    template: option.text("development"),
    test: option.list({ fallback: [], max: 200 }),
    test_timeout: option.duration("30m"),
    copy: option.list({ fallback: [] }),
    submodules: option.flag(false),
  });
}

type Settings = ReturnType<typeof readSettings>;

const folder = new URL("./", import.meta.url).href, worktrees = new URL("../../data/worktrees/", import.meta.url);

/** The request, in the same form for every way to start a run. */
function readRequest({ payload, prompt }: RoleContext["start"], base: string) {
  const given =
    (typeof payload === "object" && payload !== null && !Array.isArray(payload) ? payload : {}) as JsonObject;
  const { repo, baseBranch = base, requirements = prompt } = given;
  if (typeof repo !== "string" || !repo.startsWith("/")) {
    throw new TypeError("payload.repo must be the whole path of a repository");
  }
  if (typeof baseBranch !== "string" || baseBranch === "") {
    throw new TypeError("payload.baseBranch must be the name of a branch");
  }
  if (typeof requirements !== "string" || requirements.trim() === "") {
    throw new TypeError("payload.requirements must say what is asked");
  }
  return { repo: repo.length > 1 ? repo.replace(/\/+$/, "") : repo, base: baseBranch, requirements, given };
}

async function prepare({ start, config, signal }: RoleContext<Settings>) {
  const { repo, base, requirements, given } = readRequest(start, config.base);
  const { template, personas } = await pin(folder, config.template, given);
  checkPersonas(fileURLToPath(new URL(".personas.json", worktrees)), personas);
  const { rounds, phases, roles } = parse(template);
  const path = fileURLToPath(new URL(`${start.runId}/main`, worktrees)), branch = `nerve/${start.runId}`;
  const place: Place = { repo, path, branch, folders: null, signal },
    { commit, bare, dirty, submodules } = await look(repo, base, signal);
  const folders = await makeWorktree(place, commit);
  if (submodules && config.submodules) await fillSubmodules(place);
  const copied = bare ? [] : await copyIgnored(place, config.copy);
  // The folder ignores itself: answers that agents write there are never committed.
  await Deno.mkdir(`${path}/.nerve`, { recursive: true });
  await Deno.writeTextFile(`${path}/.nerve/.gitignore`, "*\n");
  const notes = [
    `worktree ${path}, branch ${branch} at ${commit.slice(0, 12)} of ${base}`,
    ...dirty > 0 ? [`${dirty} files of ${repo} have changes that are not committed: the run does not see them`] : [],
    ...submodules && !config.submodules ? ["its submodules are empty there: config.submodules: true fetches them"] : [],
    ...copied.length > 0 ? [`copied: ${copied.join(", ")}`] : [],
  ];
  const who = Object.fromEntries(Object.entries(roles).map(([role, { persona, agent }]) => [role, { persona, agent }]));
  const about = {
    repo,
    base,
    commit,
    branch,
    worktree: path,
    folders: { ...folders },
    requirements,
    rounds,
    roles: who,
    phases: phases.map((phase) => ({ ...phase })),
  };
  const pins = { template: { ...template }, personas: personas.map((each) => ({ ...each })) };
  return { content: notes.join("\n"), meta: { ...about, ...pins, copied } };
}

function placeOf(start: Start, signal: AbortSignal): Place {
  return { repo: start.repo, path: start.worktree, branch: start.branch, folders: start.folders, signal };
}

/** The agent that the run names, or its role, or the configuration. */
function chooseAgent(key: string): (context: WaitContext) => string {
  return ({ start, messages, config }) => {
    const named = Object(start.payload).agent ?? roleOf(messages, key).agent ?? config.agent;
    if (typeof named === "string") return named;
    throw new TypeError("no agent is named: nerve develop --agent NAME, or config.agent");
  };
}

function ask(key: string): (context: WaitContext) => string {
  return ({ messages }) => {
    const start = startOf(messages), { persona } = roleOf(messages, key);
    const found = start.personas.find(({ name, version }) => `${name}@${version}` === persona);
    return `${found?.text.trimEnd() ?? ""}\n\n${promptOf(key, start, messages)}`;
  };
}

const cwd = ({ messages }: WaitContext) => startOf(messages).worktree;

function askAgent(key: string, session: string, timeout: string) {
  return { agent: chooseAgent(key), prompt: ask(key), cwd, session, phase: key, timeout };
}

/** Commits what the agent has left, runs the tests on it, and discards what they leave. */
async function tests({ start: { runId }, messages, config, signal, log }: RoleContext<Settings>) {
  const start = startOf(messages), place = placeOf(start, signal), [program, ...args] = config.test;
  const commits = await commitRest(place, start.commit, `What was left of the work of ${runId}`);
  if (commits === 0) return { content: "nothing is committed", meta: { success: false, code: null, commits } };
  if (program === undefined) {
    return { content: "no tests are configured", meta: { success: true, code: null, commits, skipped: true } };
  }
  try {
    const { success, code, output } = await command(program, args, {
      signal,
      log,
      timeout: config.test_timeout,
      cwd: place.path,
    });
    return { content: output, meta: { success, code, commits } };
  } catch (thrown) {
    if (signal.aborted || !(thrown instanceof DOMException) || thrown.name !== "TimeoutError") throw thrown;
    return { content: thrown.message, meta: { success: false, code: null, commits } };
  } finally {
    if (!signal.aborted) await discardRest(place);
  }
}

/** The subject of the decision: the branch as it is, and nothing beside it. */
async function summary({ messages, signal }: RoleContext<Settings>) {
  const start = startOf(messages), place = placeOf(start, signal);
  await discardRest(place);
  const work = await readWork(place, start.commit, start.base), { commits, tip, conflicts } = work;
  const merges = conflicts === null ? null : conflicts.length === 0;
  return { content: formatWork(start, messages, work), meta: { commits, tip, merges } };
}

function titleOfMerge({ messages }: WaitContext): string {
  const { branch, base } = startOf(messages),
    done = lastOf(messages, "summary")?.meta,
    review = lastOf(messages, "review")?.meta.artifact;
  const doubts = [
    ...done?.merges === false ? ["it is in conflict"] : [],
    ...lastOf(messages, "tests")?.meta.success === false ? ["tests fail"] : [],
    ...review !== undefined && Object(review).verdict !== "approve" ? ["the review wants changes"] : [],
  ];
  const doubt = doubts.length === 0 ? "" : ` (${doubts.join(", ")})`;
  return `Merge ${branch} into ${base}?${doubt} ${titleOf(messages)}`.slice(0, 500);
}

const options = ["approve", "reject", "abort"];

/**
 * Uncommitted work would be lost with the worktree, so it is committed. But approved work must not change any more:
 * then the report only mentions that something is left.
 */
async function keepRest(place: Place, { commit }: Start, runId: string, completed: boolean): Promise<string | null> {
  if (!await isChanged(place)) return null;
  if (completed) return "There are changes in the worktree that are not committed.";
  await commitRest(place, commit, `Unfinished work of ${runId}`);
  return null;
}

async function report({ start: { runId, payload, prompt }, messages, end, signal }: FinallyContext<Settings>) {
  const given = Object(payload).requirements, requirements = typeof given === "string" ? given : prompt;
  const asked = { runId, requirements };
  if (messages[0]?.role !== "prepare") {
    return { content: formatReport({ ...asked, doubts: [] }, end, messages, null, ""), meta: { uncommitted: false } };
  }
  const tell = (what: string) => (thrown: unknown) => {
    if (signal.aborted || !(thrown instanceof Error)) throw thrown;
    return `${what}: ${thrown.message}`;
  };
  const start = startOf(messages), place = placeOf(start, signal), completed = end.status === "completed";
  const left = await keepRest(place, start, runId, completed).catch(tell("What is not committed stays so"));
  const work = await readWork(place, start.commit, start.base).catch(tell("The branch cannot be looked at"));
  const approved = lastOf(messages, "summary")?.meta.tip, tip = typeof work === "string" ? approved : work.tip;
  const moved = completed && tip !== approved
    ? [`The branch has moved since it was decided on: it was at ${String(approved)}.`]
    : [];
  const doubts = [...moved, ...left === null ? [] : [left]];
  return {
    content: formatReport({ ...asked, doubts }, end, messages, start, work),
    meta: { uncommitted: left !== null },
  };
}

export default defineWorkflow({
  config: readSettings,
  roles: {
    prepare,
    specification: agent({
      ...askAgent("specification", "author", "30m"),
      artifact: { path: ".nerve/specification.json", schema: specificationSchema, name: "specification@1" },
    }),
    spec_approved: gate({
      title: ({ messages }) => `Build this? ${titleOf(messages)}`,
      body: ({ messages }) => formatSpecification(messages),
      phase: "specification",
      options,
    }),
    plan: agent({
      ...askAgent("plan", "author", "30m"),
      artifact: { path: ".nerve/plan.json", schema: planSchema, name: "plan@1" },
    }),
    implementation: agent(askAgent("implementation", "author", "4h")),
    tests,
    review: agent({
      ...askAgent("review", "reviewer", "1h"),
      artifact: { path: ".nerve/review.json", schema: reviewSchema, name: "review@1" },
    }),
    summary,
    merge_approved: gate({
      title: titleOfMerge,
      body: ({ messages }) => messages.at(-1)?.content ?? "",
      phase: "review",
      options,
    }),
  },
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    return last === undefined ? "prepare" : choose(messages, last);
  },
  finally: { timeout: "5m", report: true, run: report },
});
