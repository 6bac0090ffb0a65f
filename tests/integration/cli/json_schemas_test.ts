/**
 * The output of `--json`, for every command that has it: the tree of commands is walked, so that none can be forgotten,
 * and the real output of each is parsed by its schema, also when the command fails.
 */
import type { Command, RouteMap } from "@stricli/core";
import assert from "node:assert/strict";
import { formatLogLine } from "../../../src/base/log_line.ts";
import { application } from "../../../src/cli/app.ts";
import type { CliContext } from "../../../src/cli/command.ts";
import { jsonOutputs } from "../../../src/cli/render/json_schema_by_command.ts";
import { type ErrorOutput, errorOutput } from "../../../src/cli/render/json_schemas.ts";
import { everyKind } from "../../support/every_kind.ts";
import { isLong, scaled } from "../../support/long_form.ts";
import { type CommandResult, type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";

/** Each command that has --json, by its words. A command that is in the tree twice is listed once. */
function commandsWithJson(): Map<string, Command<CliContext>> {
  const found = new Map<string, Command<CliContext>>(), seen = new Set<unknown>();
  const walk = (map: RouteMap<CliContext>, words: readonly string[]) => {
    for (const { name, target } of map.getAllEntries()) {
      const path = [...words, name["convert-camel-to-kebab"]];
      if ("getAllEntries" in target) walk(target, path);
      else if (target.usesFlag("json", "original") && !seen.has(target)) found.set(path.join(" "), target);
      seen.add(target);
    }
  };
  const { root } = application;
  assert.ok("getAllEntries" in root);
  walk(root, []);
  return found;
}

/** Calls commands with --json and parses their output. `told`: those that have printed a document, not an error. */
class Caller {
  readonly printed = new Set<string>();
  readonly #served: ServedWorkspace;

  constructor(served: ServedWorkspace) {
    this.#served = served;
  }

  /** The exit code, and the error if one was printed. */
  async call(name: string, ...args: string[]): Promise<{ code: number; error: ErrorOutput["error"] | null }> {
    const result = await this.#served.nerve(...name.split(" "), ...args, "--json");
    const error = this.#parse(name, `nerve ${name} ${args.join(" ")}`, result);
    if (error === null) this.printed.add(name);
    return { code: result.code, error };
  }

  #parse(name: string, called: string, { code, out, err }: CommandResult): ErrorOutput["error"] | null {
    const output = jsonOutputs[name];
    assert.ok(output !== undefined, `no schema for ${name}`);
    if (out === "" && code !== 0) {
      assert.match(err, /^.+\n$/, `${called} failed without a line on stderr`);
      return errorOutput.parse(JSON.parse(err)).error;
    }
    assert.equal(err, "", called);
    for (const text of output.prints === "lines" ? out.trimEnd().split("\n") : [out]) {
      const parsed = output.schema.safeParse(JSON.parse(text));
      assert.ok(parsed.success, `${called}: ${parsed.error?.message}\n${text}`);
    }
    return null;
  }
}

/** Commands that exit with a code other than 0 and an error: by their words, the exit code and the error's code. */
type Failing = readonly [exitCode: number, code: ErrorOutput["error"]["code"], name: string, ...args: string[]];

async function failAll(caller: Caller, failing: readonly Failing[]): Promise<void> {
  for (const [exitCode, code, name, ...args] of failing) {
    const { error, ...result } = await caller.call(name, ...args);
    assert.deepEqual([result.code, error?.code], [exitCode, code], `${name} ${args.join(" ")}`);
    assert.ok(error?.hint, `${name} ${args.join(" ")} does not say what to do`);
  }
}

async function withDaemon(caller: Caller, served: ServedWorkspace): Promise<void> {
  const { workspace } = served;
  assert.equal((await caller.call("sense trigger", "meter", "--wait")).code, 0);
  const { run: { runId } } = await workspace.run("completed");
  assert.equal((await caller.call("sense trigger", "broken", "--wait")).code, 1);
  for (const name of ["pause", "resume"]) assert.equal((await caller.call(`sense ${name}`, "meter")).code, 0);
  await caller.call("workflow trigger", "tidy", "--wait");
  await caller.call("workflow trigger", "stay", "--id", "kept");
  await caller.call("workflow rerun", "kept", "--id", "kept-again");
  await caller.call("workflow fork", "kept", "--from", "1", "--id", "kept-apart");
  await caller.call("workflow send", "kept", "done");
  for (const name of ["pause", "resume", "kill"]) await caller.call(`workflow ${name}`, "kept");
  await callApprovals(caller, served);
  if (isLong) await caller.call("crashtest", "tidy", "--limit", "1");
  for (const part of ["sense", "workflow"]) await caller.call(`${part} reset`, part === "sense" ? "meter" : "tidy");
  for (const name of ["sense list", "workflow list", "status", "events", "doctor", "version", "logs"]) {
    await caller.call(name);
  }
  for (const name of ["list", "diff", "approve"]) await caller.call(`permissions ${name}`);
  await caller.call("uninstall", "--dry-run");
  for (const name of ["inspect", "follow", "thread"]) await caller.call(`workflow ${name}`, runId);
  await caller.call("why", runId);
  await caller.call("bundle", runId, "--out", `${workspace.root}/story.jsonl`);
  await caller.call("why", "--sense", "broken");
  await callAlerts(caller, served);
  await caller.call("sense learn", "quiet", "--for", "300ms");
  for (const name of ["sense library", "workflow library", "service status", "store stats", "store gc"]) {
    await caller.call(name);
  }
  await caller.call("store backup", `${workspace.root}/copy`);
  await caller.call("store archive", "--dry-run");
  await caller.call("reload");
  await failAll(caller, [
    ...["trigger", "pause"].map((name): Failing => [1, "SENSE_UNKNOWN", `sense ${name}`, "nosuch"]),
    [1, "WORKFLOW_UNKNOWN", "workflow trigger", "nosuch"],
    [1, "ALERT_UNKNOWN", "alert show", "nosuch"],
    [1, "ALERT_UNKNOWN", "why", "--alert", "nosuch"],
    [2, "USAGE", "alert silence", "high"],
    [1, "RUN_UNKNOWN", "workflow kill", "nosuch"],
    ...["kill", "pause", "resume"].map((name): Failing => [1, "RUN_ENDED", `workflow ${name}`, runId]),
    [1, "RUN_ENDED", "workflow send", runId, "done"],
    [2, "USAGE", "workflow send", runId, "done", "--payload", "{"],
    [2, "USAGE", "workflow fork", runId],
    [1, "PAYLOAD_INVALID", "workflow fork", runId, "--from", "99"],
    [1, "APPROVAL_UNKNOWN", "approve", "nosuch"],
    [1, "APPROVAL_UNKNOWN", "approvals", "nosuch"],
    ...["follow", "inspect"].map((name): Failing => [1, "RUN_UNKNOWN", `workflow ${name}`, "nosuch"]),
    [1, "ROW_UNKNOWN", "why", "999999"],
    [1, "RUN_UNKNOWN", "bundle", "nosuch"],
    [2, "USAGE", "bundle", runId, "--out", `${workspace.root}/story.jsonl`],
    [1, "QUERY_INVALID", "sense query", "meter", "delete from readings"],
    [1, "DAEMON_RUNNING", "store rebuild-runs"],
    [2, "USAGE", "workflow trigger", "tidy", "--payload", "{"],
  ]);
  // Errors in nerve.yaml are not a failure of the request: they are in the document.
  workspace.write("nerve.yaml", "senses: { meter: { throttle: soon } }\n");
  for (const name of ["reload", "validate"]) assert.deepEqual(await caller.call(name), { code: 1, error: null });
  await failAll(caller, [[1, "CONFIG_INVALID", "permissions list"]]);
  workspace.write("nerve.yaml", everyKind.yaml);
}

async function callAlerts(caller: Caller, { workspace }: ServedWorkspace): Promise<void> {
  await caller.call("why", "--alert", "high");
  await caller.call("alert list");
  await caller.call("alert silence", "high", "--for", "1h");
  for (const name of ["unsilence", "ack", "show"]) await caller.call(`alert ${name}`, "high");
  workspace.write("alerts_test.yaml", "[{ alert: high, signals: [], expect: [{ at: 1s, state: inactive }] }]");
  await caller.call("alert test");
  await callHooks(caller);
  await callSessions(caller, workspace.kernel.api.sessions);
  await callAccess(caller);
}

async function callSessions(
  caller: Caller,
  sessions: ServedWorkspace["workspace"]["kernel"]["api"]["sessions"],
): Promise<void> {
  await caller.call("workflow trigger", "talk", "--wait");
  await caller.call("session list", "--all");
  const { id } = sessions.list({ all: true, limit: 1, offset: 0 }).items[0] ?? assert.fail();
  for (const name of ["show", "log", "end"]) {
    await caller.call(`session ${name}`, id);
    await failAll(caller, [[1, "SESSION_UNKNOWN", `session ${name}`, "nosuch"]]);
  }
}

async function callAccess(caller: Caller): Promise<void> {
  await caller.call("token create", "reader", "--scope", "read");
  await failAll(caller, [[1, "TOKEN_EXISTS", "token create", "reader", "--scope", "read"]]);
  await caller.call("dashboard");
  await caller.call("token list");
  await caller.call("token revoke", "reader", "--sessions");
  await failAll(caller, [[1, "TOKEN_UNKNOWN", "token revoke", "reader"], [2, "USAGE", "token revoke"]]);
}

async function callHooks(caller: Caller): Promise<void> {
  await caller.call("hook list");
  await caller.call("hook send", "git");
  await caller.call("engine list");
  for (const name of ["status", "register"]) assert.equal((await caller.call(`engine ${name}`, "away")).code, 1);
  await failAll(caller, [
    [1, "HOOK_UNKNOWN", "hook send", "nosuch"],
    [1, "ENGINE_UNKNOWN", "engine status", "nosuch"],
    [1, "ENGINE_UNKNOWN", "engine register", "nosuch"],
  ]);
}

/** `runId`: of another workflow. */
async function callDevelop(caller: Caller, repository: string, runId: string): Promise<void> {
  await caller.call("workflow trigger", "develop", "--id", "developed");
  assert.deepEqual(await caller.call("develop", repository, "--id", "developed"), { code: 0, error: null });
  await caller.call("worktree list");
  await caller.call("worktree clean", "--orphans");
  await failAll(caller, [
    [2, "USAGE", "develop", repository],
    [1, "RUN_CONFLICT", "develop", repository, "--id", runId],
    [1, "RUN_UNKNOWN", "worktree clean", "nosuch"],
    [2, "USAGE", "worktree clean", runId],
  ]);
}

async function callApprovals(caller: Caller, { workspace }: ServedWorkspace): Promise<void> {
  for (const [decision, id] of [["approve", "asked"], ["reject", "asked-again"]] as const) {
    const from = workspace.events.length;
    await caller.call("workflow trigger", "ask", "--id", id);
    await workspace.run("waiting", from);
    await caller.call("approvals");
    await caller.call("approvals", id);
    await caller.call(decision, id);
    await failAll(caller, [[1, "APPROVAL_UNKNOWN", decision, id]]);
  }
  await callDevelop(caller, workspace.root, "asked");
}

async function withoutDaemon(caller: Caller, served: ServedWorkspace): Promise<void> {
  for (const name of ["sense list", "workflow list", "events", "store verify", "store rebuild-runs"]) {
    await caller.call(name);
  }
  await caller.call("validate", ...isLong ? [] : ["--no-types"]);
  await caller.call("why", "--sense", "broken");
  await caller.call("alert list");
  await caller.call("alert show", "high");
  await caller.call("hook list");
  await caller.call("why", "--alert", "high");
  await caller.call("sense query", "meter");
  await caller.call("sense schema", "meter");
  await caller.call("sense chart", "meter", "id");
  await caller.call("store archive");
  await caller.call("store restore", `${served.workspace.root}/copy`, "--force");
  assert.deepEqual(await caller.call("status"), { code: 3, error: null });
  await failAll(caller, [
    [3, "DAEMON_MISSING", "reload"],
    [3, "DAEMON_MISSING", "sense trigger", "meter"],
    [3, "DAEMON_MISSING", "sense reset", "meter"],
    [3, "DAEMON_MISSING", "sense pause", "meter"],
    [3, "DAEMON_MISSING", "sense resume", "meter"],
    [3, "DAEMON_MISSING", "workflow trigger", "tidy"],
    [3, "DAEMON_MISSING", "workflow kill", "kept"],
    [3, "DAEMON_MISSING", "alert ack", "high"],
    [3, "DAEMON_MISSING", "hook send", "git"],
    [3, "DAEMON_MISSING", "session end", "nosuch"],
    [3, "DAEMON_MISSING", "token create", "late", "--scope", "read"],
    [3, "DAEMON_MISSING", "token list"],
    [3, "DAEMON_MISSING", "token revoke", "late"],
    [3, "DAEMON_MISSING", "dashboard"],
    [3, "DAEMON_MISSING", "workflow reset", "tidy"],
    [3, "DAEMON_MISSING", "events", "--follow"],
  ]);
}

/** As many arguments as it requires; `why` takes one, or a flag. */
function argumentsOf(name: string, { parameters: { positional } }: Command<CliContext>): string[] {
  if (name === "why") return ["x"];
  return positional?.kind === "tuple" ? positional.parameters.filter(({ optional }) => !optional).map(() => "x") : [];
}

scaled.test("every command with --json prints what its schema says, with a daemon, without one, and when it fails", async () => {
  const commands = commandsWithJson(), names = [...commands.keys()].sort();
  assert.deepEqual(
    Object.keys(jsonOutputs).sort(),
    names,
    "a schema for each, in src/cli/render/json_schema_by_command.ts",
  );
  await using served = await serveWorkspace(everyKind);
  const line = { ts: 0, level: "info", source: "daemon", event: "stopping", message: "asked to stop" } as const;
  served.workspace.write("logs/nerve.log", `${formatLogLine(line)}\nerror: what a crash leaves behind\n`);
  const caller = new Caller(served);
  await withDaemon(caller, served);
  await served.stop();
  await withoutDaemon(caller, served);
  const called = names.filter((name) => isLong || name !== "crashtest");
  assert.deepEqual([...caller.printed].sort(), called, "each has printed a document at least once");
  assert.deepEqual(served.reported, []);
  for (const [name, command] of commands) {
    await failAll(caller, [[2, "USAGE", name, "--nosuch"]]);
    if (!command.usesFlag("workspace", "original")) continue;
    const nowhere = ["--workspace", `${served.workspace.root}/none`];
    await failAll(caller, [[1, "WORKSPACE_MISSING", name, ...argumentsOf(name, command), ...nowhere]]);
  }
});
