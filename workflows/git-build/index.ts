/**
 * Pulls a git repository and builds what is new.
 * pull -> build -> report; without anything new to build, pull -> report.
 * I1. Only a clean repository is changed, and only by fast-forward (git.ts).
 * I2. What was built is a ref in the repository, set when the build has succeeded: a failed build is run again.
 */
import { command, defineWorkflow, END, type JsonObject, option, readConfig, type RoleContext } from "nerve";
import { hideUserinfo } from "../../lib/url.ts";
import { type GitPlace, pull as pullNewest, readBuilt, readCommit, readRange, writeBuilt } from "./git.ts";

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    folder: option.text(),
    branch: option.text(null),
    build: option.list({ max: 200 }),
    build_folder: option.text(null),
    timeout: option.duration("30m"),
    pull_timeout: option.duration("5m"),
    even_if_built: option.flag(false),
    ssh_command: option.text("ssh -oBatchMode=yes -oConnectTimeout=20"),
  });
  const { folder, build_folder } = settings, [program, ...args] = settings.build;
  for (const path of [folder, build_folder ?? folder]) {
    if (!path.startsWith("/")) throw new TypeError(`config.folder and build_folder must be absolute, not "${path}"`);
  }
  if (program === undefined) throw new TypeError("config.build must name a program");
  return { ...settings, program, args };
}

type Settings = ReturnType<typeof readSettings>;

function placeOf({ folder, ssh_command: ssh, pull_timeout }: Settings, signal: AbortSignal): GitPlace {
  return { folder, ssh, signal: AbortSignal.any([signal, AbortSignal.timeout(pull_timeout)]) };
}

/** Each workflow remembers its own builds. */
function refOf(workflow: string): string {
  return `refs/nerve/${workflow}/built`;
}

async function pull({ start, config: settings, signal }: RoleContext<Settings>) {
  const place = placeOf(settings, signal);
  try {
    const { branch, upstream, from, to } = await pullNewest(place, settings.branch);
    const built = await readBuilt(place, refOf(start.workflow)), since = built ?? from;
    const { count, subjects } = since === to ? { count: 0, subjects: [] } : await readRange(place, since, to);
    const isNew = built !== to || settings.even_if_built;
    const meta = { branch, upstream, from: since, to, commits: count, subjects: [...subjects], build: isNew };
    const what = count === 0 ? "nothing new" : `${count} commits, ${since.slice(0, 12)}..${to.slice(0, 12)}`;
    return { content: [`${branch} of ${upstream}: ${what}`, ...subjects].join("\n"), meta };
  } catch (thrown) {
    // An address in git's messages may contain a password.
    if (signal.aborted || thrown instanceof Deno.errors.NotCapable || !(thrown instanceof Error)) throw thrown;
    throw new Error(hideUserinfo(thrown.message));
  }
}

async function build({ start, messages, config: settings, signal, log, idempotencyKey }: RoleContext<Settings>) {
  const { program, args, timeout } = settings, to = commitOf(messages);
  const now = await readCommit(placeOf(settings, signal), "HEAD");
  if (now !== to) throw new Error(`the repository has moved to ${now.slice(0, 12)} since it was pulled`);
  const cwd = settings.build_folder ?? settings.folder, started = performance.now();
  const env = { RUN_ID: start.runId, IDEMPOTENCY_KEY: idempotencyKey };
  const { success, code, output } = await command(program, args, { signal, log, timeout, cwd, env });
  if (success) await writeBuilt(placeOf(settings, signal), refOf(start.workflow), to);
  const meta = { success, code, ms: Math.round(performance.now() - started) };
  return { content: output === "" ? `exit code ${code}, and no output` : output, meta };
}

function commitOf([first]: RoleContext["messages"]): string {
  if (first?.role !== "pull") throw new Error("the run has no message of pull");
  return String(first.meta.to);
}

function report({ messages, start }: RoleContext<Settings>) {
  const [pulled, built] = messages, { from, to, commits, branch } = pulled?.meta ?? {};
  const short = (commit: unknown) => String(commit).slice(0, 12);
  const why = start.prompt === "" ? "" : ` (asked because: ${start.prompt})`;
  const meta = { branch, from, to, commits, built: built !== undefined, ms: built?.meta.ms };
  if (built === undefined) return { content: `${short(to)} is built already: nothing was done${why}`, meta };
  const what = `${short(from)}..${short(to)}, ${String(commits)} commits`;
  if (built.meta.success !== true) {
    const last = built.content.trimEnd().split("\n").at(-1)?.slice(0, 300) ?? "";
    throw new Error(`the build of ${what} ended with exit code ${String(built.meta.code)}: ${last}`);
  }
  return { content: `built ${what}${why}`, meta };
}

export default defineWorkflow({
  config: readSettings,
  roles: { pull, build, report },
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    switch (last?.role) {
      case undefined:
        return "pull";
      case "pull":
        return last.meta.build === true ? "build" : "report";
      case "build":
        return "report";
      default:
        return END;
    }
  },
});
