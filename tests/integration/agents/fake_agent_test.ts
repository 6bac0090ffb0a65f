/**
 * The scripted agent, `protocol: fake`, as roles meet it: there without any entry in nerve.yaml, and doing what a scenario
 * says otherwise. It is nerve itself as a process of its own.
 */
import assert from "node:assert/strict";
import type { RunMessage } from "../../../src/protocol/run.ts";
import { long } from "../../support/long_form.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

/** The roles are played in their order, once each. The folder `work` is there. */
function startWith(roles: string, agents?: Record<string, unknown>): Promise<WorkspaceFixture> {
  return startWorkspace({
    files: { "work/README.md": "x\n" },
    yaml: { ...agents !== undefined && { agents }, workflows: { w: { agents: ["fake"] } } },
    workflows: {
      w: `import { agent, defineWorkflow, END } from "nerve";
const roles = {${roles}};
const names = Object.keys(roles) as (keyof typeof roles)[];
export default defineWorkflow({ roles, moderator: ({ messages }) => names[messages.length] ?? END });`,
    },
  });
}

/** The messages of the run `a` that has completed. */
async function play(workspace: WorkspaceFixture): Promise<RunMessage[]> {
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  const { status, reason } = await runEnd(workspace, "a");
  assert.equal(status, "completed", reason ?? "");
  return workspace.kernel.api.records.messages("a", {});
}

function git(cwd: string, ...args: string[]): string {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "init.defaultBranch=main"];
  const { success, stdout, stderr } = new Deno.Command("git", { args: [...identity, ...args], cwd }).outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("the agent fake is there without an entry: it answers, and gives an artifact that fits", async () => {
  const schema = {
    type: "object",
    required: ["title", "steps"],
    properties: { title: { type: "string" }, steps: { type: "array", minItems: 2, items: { type: "integer" } } },
  };
  await using workspace = await startWith(
    `say: agent({ agent: "fake", cwd: "work", prompt: "Name a colour" }),
     plan: agent({ agent: "fake", cwd: "work", prompt: "Plan", artifact: { path: ".nerve/plan.json", schema: ${
      JSON.stringify(schema)
    } } })`,
  );
  const [said, planned] = await play(workspace);
  assert.equal(said?.content, "I am nerve's scripted agent, in the role say. I was asked:\nName a colour");
  assert.deepEqual(planned?.meta.artifact, { title: "sample", steps: [1, 1] });
  assert.equal(planned?.meta.attempts, 1);
});

long.test("a scenario from a file writes and commits, and an edit of it counts from the next prompt", async () => {
  await using workspace = await startWith(
    `build: agent({ agent: "fake", cwd: "repo", prompt: "Build" }),
     again: agent({ agent: "fake", cwd: "repo", session: "build", prompt: "Build again" })`,
    { fake: { protocol: "fake", scenario: "scenarios/build.yaml" } },
  );
  workspace.write("repo/README.md", "x\n");
  const repo = `${workspace.root}/repo`;
  for (const args of [["init", "-q"], ["add", "."], ["commit", "-q", "-m", "start"]]) git(repo, ...args);
  workspace.write("repo/mine.txt", "not the agent's\n");
  workspace.write(
    "scenarios/build.yaml",
    `- when: { role: build, prompt: Build }
  do:
    - write: { file: src/höhe.txt, text: "by {role} of {run}\\n" }
    - commit: Add src of {run}
    - answer: "built {count}"
- do:
    - answer: "as {role}, {count}"
`,
  );
  assert.deepEqual((await play(workspace)).map(({ content }) => content), ["built 1", "as again, 2"]);
  assert.equal(git(repo, "log", "-1", "--format=%s by %an"), "Add src of a by nerve's scripted agent");
  assert.equal(git(repo, "-c", "core.quotePath=false", "show", "--format=", "--name-only"), "src/höhe.txt");
  assert.equal(Deno.readTextFileSync(`${repo}/src/höhe.txt`), "by build of a\n");
});

long.test("a scenario in nerve.yaml: wrong artifacts go back, `times` counts, and leave that is refused ends the turn", async () => {
  await using workspace = await startWith(
    `judge: agent({ agent: "fake", cwd: "work", prompt: "Judge", attempts: 3, artifact: {
       path: "out.json", schema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] } } }),
     ask: agent({ agent: "fake", cwd: "work", prompt: "Delete it" })`,
    {
      fake: {
        protocol: "fake",
        scenario: [
          { when: { role: "judge", attempt: 0 }, do: [{ artifact_text: '{"ok"' }] },
          { when: { role: "judge" }, times: 1, do: [{ artifact: { ok: "perhaps" } }] },
          { when: { role: "judge" }, do: [{ artifact: { ok: true } }, { answer: "judged" }] },
          { do: [{ ask: { kind: "delete", file: "out.json" } }, { answer: "deleted" }] },
        ],
      },
    },
  );
  const [judged, asked] = await play(workspace);
  assert.deepEqual([judged?.content, judged?.meta.artifact, judged?.meta.attempts], ["judged", { ok: true }, 3]);
  assert.equal(asked?.content, "I was not given leave: delete out.json");
});

long.test("what a scenario cannot do is told: a missing file, no YAML, an unknown step, a prompt that nothing fits", async () => {
  await using workspace = await startWith(`ask: agent({ agent: "fake", cwd: "work", prompt: "x" })`, {
    fake: { protocol: "fake", scenario: "demo.yaml" },
  });
  const cases: readonly (readonly [string | null, RegExp])[] = [
    [null, /agent fake: its scenario demo.yaml cannot be read: there is no such file/],
    ["- {", /its scenario demo.yaml is not YAML/],
    ["- do: [{ sing: loudly }]", /its scenario demo.yaml cannot be used: .*sing/],
    ["- do: [{ write: { file: ../x, text: y } }]", /must be the path of a file below the folder of the agent/],
    ["- { when: { role: other }, do: [{ answer: x }] }", /its scenario says nothing about this prompt/],
    ["- do: [{ fail: no more tokens }]", /no more tokens/],
  ];
  for (const [at, [text, wanted]] of cases.entries()) {
    if (text !== null) workspace.write("demo.yaml", text);
    await workspace.kernel.startWorkflow("w", { runId: `run-${at}` });
    assert.match((await runEnd(workspace, `run-${at}`)).reason ?? "", wanted);
  }
});

// It once wrote `/nerve.yaml`: a workflow chooses the folder, the file and what is in it, and no wall is around this agent.
long.test("the agent fake works in no folder of nerve's or the system's, nor in one that holds them", async () => {
  const places = [".", "senses", "data", "..", "/", "/etc"];
  const roles = places.map((cwd, at) => `r${at}: agent({ agent: "fake", cwd: ${JSON.stringify(cwd)}, prompt: "x" })`);
  await using workspace = await startWith(roles.join(",\n"));
  workspace.write("senses/.keep", "");
  for (const [at, cwd] of places.entries()) {
    const names = `names[${at}]`, runId = `at-${at}`;
    workspace.write(
      "workflows/w/index.ts",
      `import { agent, defineWorkflow, END } from "nerve";
const roles = {${roles.join(",")}};
const names = Object.keys(roles) as (keyof typeof roles)[];
export default defineWorkflow({ roles, moderator: ({ messages }) => messages.length === 0 ? ${names}! : END });`,
    );
    await workspace.kernel.api.reload();
    await workspace.kernel.startWorkflow("w", { runId });
    assert.match((await runEnd(workspace, runId)).reason ?? "", /agent fake: it may not work in /, cwd);
  }
});

long.test("the agent fake follows no link in its folder", async () => {
  const artifact = (path: string) =>
    `agent({ agent: "fake", cwd: "work", session: "s", prompt: "x", artifact: { path: "${path}" } })`;
  await using workspace = await startWith(`file: ${artifact("out.json")}, folder: ${artifact("there/out.json")}`);
  workspace.write("elsewhere/kept.json", "kept");
  Deno.symlinkSync("../elsewhere/kept.json", `${workspace.root}/work/out.json`);
  Deno.symlinkSync("../elsewhere", `${workspace.root}/work/there`);
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.match((await runEnd(workspace, "a")).reason ?? "", /role folder failed .*link, which is not followed/);
  assert.equal(Deno.readTextFileSync(`${workspace.root}/elsewhere/kept.json`), "kept");
  assert.deepEqual([...Deno.readDirSync(`${workspace.root}/elsewhere`)].map(({ name }) => name), ["kept.json"]);
});
