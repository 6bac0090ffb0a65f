/**
 * The state of a git repository: branch, dirty files, commits ahead of and behind its upstream.
 * It never fetches and never writes.
 */
import { desc, eq } from "drizzle-orm";
import { defineSense, type JsonObject, option, prune, readConfig, type SenseContext } from "nerve";
import { runProgram } from "../../lib/program.ts";
import { type GitStatus, parseStatus } from "./porcelain.ts";
import { statuses } from "./schema.ts";

export const { compute } = defineSense({ config: readSettings, compute: observe });

async function observe(
  { db, signal, config: { path, always, keep } }: SenseContext<Settings>,
): Promise<({ path: string; changed: boolean } & GitStatus) | null> {
  const status = parseStatus(await runGitStatus(path, signal));
  const last = db.select({ status: statuses.status }).from(statuses).where(eq(statuses.path, path))
    .orderBy(desc(statuses.id)).limit(1).get();
  db.insert(statuses).values({ ts: new Date(), path, ...status, status }).run();
  prune(db, statuses, statuses.ts, keep);
  // Both come from parseStatus, so their keys are in the same order.
  const changed = JSON.stringify(last?.status) !== JSON.stringify(status);
  return changed || always ? { path, changed, ...status } : null;
}

type Settings = ReturnType<typeof readSettings>;

function readSettings(config: JsonObject) {
  const settings = readConfig(config, {
    path: option.text(),
    always: option.flag(true),
    keep: option.duration("30d"),
  });
  if (!settings.path.startsWith("/")) throw new TypeError(`config.path must be absolute, not "${settings.path}"`);
  return settings;
}

/** Disables what a repository's own settings could make git start. */
const harmless = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];

function runGitStatus(path: string, signal: AbortSignal): Promise<string> {
  const args = [
    ...harmless,
    ...["-C", path, "status", "--porcelain=v2", "-z", "--branch", "--untracked-files=all"],
    // Otherwise git would apply the settings of submodules.
    "--ignore-submodules=dirty",
  ];
  const env = { LC_ALL: "C", GIT_TERMINAL_PROMPT: "0", GIT_NO_LAZY_FETCH: "1" };
  return runProgram({ name: "git", args, env }, signal, `git status failed for ${path}`);
}
