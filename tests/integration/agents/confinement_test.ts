/**
 * A confined agent, with real programs that try what they may not. Dangers: an agent that answers its own request by the
 * control socket, reads the daemon's secrets, or ends what it did not start.
 */
import assert from "node:assert/strict";
import { systemLandlock } from "../../../src/base/landlock.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const hostile = `${repository}tests/support/hostile_agent.ts`;
const ignore = systemLandlock() < 6;

function startWith(agent: Record<string, unknown>, cwd = `"work"`): Promise<WorkspaceFixture> {
  return startWorkspace({
    yaml: { agents: { x: { protocol: "command", ...agent } }, workflows: { w: { agents: ["x"] } } },
    workflows: {
      w: `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { ask: agent({ agent: "x", prompt: ({ start }) => start.prompt, cwd: ${cwd} }) },
  moderator: ({ messages }) => messages.length === 0 ? "ask" : END,
});`,
    },
    files: { "work/readme.txt": "", "outside/secret.txt": "secret" },
  });
}

async function answerOf(workspace: WorkspaceFixture, prompt: string): Promise<string> {
  const { runId } = await workspace.kernel.startWorkflow("w", { prompt });
  const { status, reason } = await runEnd(workspace, runId);
  assert.equal(status, "completed", reason ?? "");
  return workspace.kernel.api.records.messages(runId, {})[0]?.content ?? "";
}

async function tryAll(agent: Record<string, unknown>): Promise<Record<string, boolean>> {
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-config", "--no-lock", hostile];
  await using workspace = await startWith({ command, ...agent });
  const { root } = workspace, socket = `${root}/nerve.sock`;
  using _listener = Deno.listen({ transport: "unix", path: socket });
  // It is this process that it must not signal: the daemon.
  const targets = { outside: `${root}/outside`, secret: `${root}/outside/secret.txt`, socket, pid: Deno.pid };
  const found = JSON.parse(await answerOf(workspace, JSON.stringify(targets)));
  await workspace.stop();
  return found;
}

const own = { folder: true, home: true, temporary: true, system: true, program: true, pairOfStreams: true };
const all = ["write", "writeByProgram", "read", "readByProgram", "readEnvironment", "signal", "socket", "ownSocket"];
const every = (value: boolean) => Object.fromEntries([...all, "pairOfDatagrams"].map((name) => [name, value]));

Deno.test({
  name: "a confined agent and its programs write and read what is theirs, signal nobody and reach no socket",
  ignore,
  fn: async () => assert.deepEqual(await tryAll({ read: [hostile] }), { ...own, ...every(false) }),
});

long.test({
  name: "what `read` names is read, and not written",
  ignore,
  fn: async () => {
    const open = await tryAll({ read: [hostile, "outside"] });
    assert.deepEqual(open, { ...own, ...every(false), read: true, readByProgram: true });
  },
});

long.test("with confine: none nothing of that holds, and the daemon says so", async () => {
  assert.deepEqual(await tryAll({ confine: "none" }), { ...own, ...every(true) });
  await using workspace = await startWith({ command: ["sh", "-c", "cat"], confine: "none" });
  assert.equal(await answerOf(workspace, "x"), "x");
  const told = workspace.events.flatMap((event) => event.kind === "log" ? [event.message] : []);
  assert.ok(told.includes("agent x works with confine: none: it may do all that you may"), told.join("\n"));
});

long.test({
  name: "a confined agent does not work in a folder that holds what nerve or its user executes",
  ignore,
  async fn() {
    await using workspace = await startWith({ command: ["sh", "-c", "cat"] }, "({ start }) => start.prompt");
    const fault = async (prompt: string) => {
      const { runId } = await workspace.kernel.startWorkflow("w", { prompt });
      return (await runEnd(workspace, runId)).reason ?? "";
    };
    assert.match(await fault("."), /it may not work in .*, where .*nerve.yaml is/);
    assert.match(await fault("workflows/w"), /it may not work in .*workflows is \(the code of workflows/);
    assert.match(await fault("data"), /it may not work in .*data is/);
    assert.match(await fault("/"), /it may not work in \//);
  },
});

Deno.test({
  name: "in a worktree of git a confined agent commits, and writes neither hooks nor settings of the repository",
  ignore,
  async fn() {
    const script = `set -e; git add -A; git -c user.name=a -c user.email=a@b commit -q -m work
for file in hooks/post-commit config info/attributes; do
  if sh -c "echo x >> '../main/.git/$file'" 2> /dev/null; then echo "wrote $file"; fi
done
git log --format=%s -1`;
    await using workspace = await startWith({ command: ["sh", "-c", `cat > file.txt; ${script}`] }, `"tree"`);
    const git = (folder: string, ...args: string[]) => {
      const { success, stderr } = new Deno.Command("git", {
        args: ["-c", "user.name=t", "-c", "user.email=t@t", ...args],
        cwd: `${workspace.root}/${folder}`,
        stdin: "null",
      }).outputSync();
      assert.ok(success, new TextDecoder().decode(stderr));
    };
    workspace.write("main/readme.txt", "");
    git("main", "init", "-q");
    git("main", "add", "-A");
    git("main", "commit", "-q", "-m", "first");
    git("main", "worktree", "add", "-q", "-b", "nerve/r", "../tree");
    assert.equal(await answerOf(workspace, "text"), "work");
    git("main", "merge", "-q", "nerve/r");
    assert.equal(Deno.readTextFileSync(`${workspace.root}/main/file.txt`), "text");
  },
});
