/**
 * A workspace with the library workflow `develop`, a real repository whose path has a space and an umlaut, and an agent
 * that is a real process, for tests.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";
import { ifPresent } from "../../src/base/if_present.ts";
import { delay } from "../../src/base/time.ts";
import { readLibraryFiles } from "../../src/cli/scaffold/library.ts";
import { reportPathOf } from "../../src/protocol/closing.ts";
import { dirname } from "./paths.ts";
import { repository } from "./source_files.ts";
import { deadlineMs } from "./workspace_fixture.ts";

export const agentCommand: readonly string[] = [
  ...[Deno.execPath(), "run", "-A", "--quiet", "--no-config", "--cached-only"],
  `${repository}tests/support/developer_agent.ts`,
];

/** Runs git in a folder, with an identity and without this machine's settings. Returns its output. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"];
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: [...identity, ...args],
    cwd: folder,
    env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
  }).output();
  assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

/** A repository with one commit on main; `git init` gets `options`. */
export async function makeRepository(folder: string): Promise<void> {
  Deno.mkdirSync(folder, { recursive: true });
  await git(folder, "init", "--quiet", "--initial-branch=main");
  Deno.writeTextFileSync(`${folder}/greet.txt`, "hello\n");
  Deno.writeTextFileSync(`${folder}/.gitignore`, ".env\n");
  await git(folder, "add", ".");
  await git(folder, "commit", "--quiet", "-m", "first");
}

export interface DevelopOptions {
  /** Further keys of `workflows.develop.config`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further keys of `workflows.develop`. */
  readonly workflow?: Readonly<Record<string, unknown>>;
  /** The folder of git's own data, if not `.git`. */
  readonly gitFolder?: string;
}

/** nerve.yaml as a value. */
export function developYaml(repo: string, { config = {}, workflow = {}, gitFolder }: DevelopOptions = {}) {
  return {
    agents: { scripted: { protocol: "acp", command: [...agentCommand], read: [repository] } },
    workflows: {
      develop: {
        agents: ["scripted"],
        permissions: {
          run: ["git", "cp", "grep"],
          read: [repo, "data/worktrees"],
          write: [gitFolder ?? `${repo}/.git`, "data/worktrees"],
        },
        config: { agent: "scripted", test: ["grep", "please", "greet.txt"], ...config },
        ...workflow,
      },
    },
  };
}

/** The files of the workflow, by their paths in a workspace. */
export function developFiles(): Record<string, string> {
  const files = [...readLibraryFiles("workflows", "develop")];
  return Object.fromEntries(files.map(([path, bytes]) => [path, new TextDecoder().decode(bytes)]));
}

/** Tells the agent what to do; see developer_agent.ts. */
export function writeScript(root: string, script: { readonly changes?: number; readonly hangs?: string }): void {
  const path = `${root}/data/agents/scripted/script.json`;
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, JSON.stringify(script));
}

/** The prompts that the agent received, in order. */
export function readPrompts(root: string): { readonly phase: string; readonly prompt: string }[] {
  const text = Deno.readTextFileSync(`${root}/data/agents/scripted/prompts.jsonl`);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

/** The text of a report once it exists. No event announces its file. */
export async function untilReport(root: string, runId: string): Promise<string> {
  const latest = systemClock.monotonic() + deadlineMs;
  for (;;) {
    const text = readReport(root, runId);
    if (text !== null) return text;
    assert.ok(systemClock.monotonic() < latest, `there is no report of ${runId}`);
    await delay(systemClock, 20);
  }
}

export function readReport(root: string, runId: string): string | null {
  return ifPresent(() => Deno.readTextFileSync(`${root}/${reportPathOf(runId)}`));
}

export function removeReport(root: string, runId: string): void {
  Deno.removeSync(`${root}/${reportPathOf(runId)}`);
}
