/**
 * Roles that agents play, with agents that are shell scripts: real processes behind the protocol `command`. Dangers: an
 * answer of another prompt, an artifact that nobody checked, a program that outlives its role, a variable that nobody named.
 */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { ownSeconds, runningWith, untilRunning } from "../../support/running_programs.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture, type WorkspaceOptions } from "../../support/workspace_fixture.ts";

/** A workspace with the agent `script`, which reads its prompt from its input, and a workflow with these roles. */
function startScripted(script: string, roles: string, more: Record<string, unknown> = {}): Promise<WorkspaceFixture> {
  const options: WorkspaceOptions = {
    yaml: {
      agents: { script: { protocol: "command", command: ["sh", "-c", script], confine: "none", ...more } },
      workflows: { w: { agents: ["script"] } },
    },
    workflows: {
      w: `import { agent, defineWorkflow, END } from "nerve";
const roles = {${roles}};
const names = Object.keys(roles) as (keyof typeof roles)[];
export default defineWorkflow({ roles, moderator: ({ messages }) => names[messages.length] ?? END });`,
    },
  };
  return startWorkspace(options);
}

Deno.test("an agent gets the prompt with its persona, and its answer is the message of the role", async () => {
  await using workspace = await startScripted(
    `printf 'heard: '; cat; printf ' in %s, home %s, secret %s' "$PWD" "$HOME" "$NERVE_TEST_HIDDEN"`,
    `ask: agent({ agent: "script", persona: "poet@1", prompt: ({ start }) => "Say " + start.prompt, cwd: "lib" })`,
  );
  workspace.write("workflows/w/personas/poet@1.md", "You are a poet.\n");
  workspace.write("lib/empty.txt", "");
  Deno.env.set("NERVE_TEST_HIDDEN", "hidden");
  await workspace.kernel.startWorkflow("w", { runId: "a", prompt: "three words" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const [message] = workspace.kernel.api.records.messages("a", {});
  const home = `${workspace.root}/data/agents/script`;
  assert.equal(
    message?.content,
    `heard: You are a poet.\n\nSay three words in ${workspace.root}/lib, home ${home}, secret`,
  );
  const { session, ...meta } = message?.meta ?? {};
  assert.deepEqual(meta, { agent: "script", promptId: "a:1:0", attempts: 1 });
  assert.equal(typeof session, "string");
  assert.equal((Deno.statSync(home).mode ?? 0) & 0o077, 0);
});

Deno.test("cases 19, 20: an artifact that does not fit goes back with what is wrong, and the log has each step in order", async () => {
  // The first time it writes half of it, then a wrong type, then what fits.
  const script = `prompt=$(cat); n=$(cat count 2>/dev/null || echo 0); echo $((n + 1)) > count
echo "$prompt" > prompt.$n
case $n in 0) printf '{"title": "x"' > out.json;; 1) echo '{"title": 7}' > out.json;; *) echo '{"title": "seven"}' > out.json;; esac
echo done`;
  const schema = { type: "object", properties: { title: { type: "string" } }, required: ["title"] };
  await using workspace = await startScripted(
    script,
    `write: agent({
      agent: "script", prompt: "Find a title", cwd: ".",
      artifact: { path: "out.json", schema: ${JSON.stringify(schema)}, name: "title@1" },
    })`,
  );
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const [message] = workspace.kernel.api.records.messages("a", {});
  assert.deepEqual(message?.meta.artifact, { title: "seven" });
  assert.equal(message?.meta.attempts, 3);
  const read = (n: number) => Deno.readTextFileSync(`${workspace.root}/prompt.${n}`);
  assert.match(
    read(0),
    /^Find a title\n\nWrite your answer as JSON to this file \(title@1\), all of it: .*\/out.json\. It must/,
  );
  assert.match(read(1), /^The file out.json that you were asked for is not as it has to be: it is not valid JSON/);
  assert.match(read(2), /expected string, received number[^]*title/);
  const rows = workspace.kernel.api.records.logs({ refId: "a" }).map(({ type }) => type)
    .filter((type) => /^(session|artifact)\./.test(type) && type !== "session.closed");
  const round = (end: string) => ["session.prompted", "session.answered", "artifact.expected", `artifact.${end}`];
  const begun = ["session.created", "session.ready"];
  assert.deepEqual(rows, [...begun, ...round("refused"), ...round("refused"), ...round("taken")]);
});

long.test("a schema of code is asked in the role, and after the last attempt the role fails with what is wrong", async () => {
  await using workspace = await startScripted(
    `cat > /dev/null; echo '{"n": 1}' > out.json`,
    `write: agent({
      agent: "script", prompt: "count", attempts: 2,
      artifact: {
        path: "out.json",
        schema: { "~standard": { validate: ({ n }) => n > 1 ? { value: n } : { issues: [{ message: "too low", path: ["n"] }] } } },
      },
    })`,
  );
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  const { status, reason } = await runEnd(workspace, "a");
  assert.equal(status, "failed");
  assert.match(reason ?? "", /agent script gave no out.json that fits, asked 2 times: n: too low/);
});

long.test("cases 18, 21: none, an older file, a link, a hard link and one that is too large are no artifact", async () => {
  const cases = [
    ["true", "it was there before and has not been written since"],
    ["rm out.json; ln -s other.json out.json", "it is a link, which is not followed"],
    ["rm out.json; ln other.json out.json", "it has a second name"],
    ["rm out.json; mkdir out.json", "it is not a regular file"],
    ["rm out.json", "it is not there"],
    ["head -c 300000 /dev/zero > out.json", "it has 300000 bytes: at most 245760 are read"],
  ] as const;
  await using workspace = await startScripted(
    `sh -c "$(cat)"`,
    `write: agent({
      agent: "script", prompt: ({ start }) => start.prompt, cwd: ({ start }) => start.runId, attempts: 1,
      artifact: { path: "out.json" },
    })`,
  );
  for (const [at, [script, fault]] of cases.entries()) {
    for (const name of ["out.json", "other.json"]) workspace.write(`run-${at}/${name}`, "{}");
    await workspace.kernel.startWorkflow("w", { runId: `run-${at}`, prompt: `${script}; exit 0 #` });
    const { reason } = await runEnd(workspace, `run-${at}`);
    assert.ok(reason?.includes(fault), `${script}: ${reason}`);
  }
});

long.test("case 21: the file of an earlier attempt is not taken for the next one", async () => {
  await using workspace = await startScripted(
    `cat > /dev/null; test -e out.json || echo '{"n": "one"}' > out.json`,
    `write: agent({
      agent: "script", prompt: "count", attempts: 2,
      artifact: { path: "out.json", schema: { type: "object", properties: { n: { type: "number" } } } },
    })`,
  );
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  const { reason } = await runEnd(workspace, "a");
  assert.match(reason ?? "", /asked 2 times: it was there before and has not been written since/);
});

long.test("roles with one session share a conversation, by the id that the agent prints", async () => {
  await using workspace = await startScripted(
    "",
    `first: agent({ agent: "script", session: "author", prompt: "one" }),
     other: agent({ agent: "script", prompt: "two" }),
     again: agent({ agent: "script", session: "author", prompt: "three" })`,
    {
      command: ["sh", "-c", `echo '{"thread": "t-'$1'"}'`, "agent", "{prompt}"],
      resume: ["sh", "-c", `echo "goes on with $1: $2"`, "agent", "{session}", "{prompt}"],
      session_field: "thread",
    },
  );
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  assert.equal((await runEnd(workspace, "a")).status, "completed");
  const said = workspace.kernel.api.records.messages("a", {}).map(({ content }) => content);
  assert.deepEqual(said, ['{"thread": "t-one"}', '{"thread": "t-two"}', "goes on with t-one: three"]);
});

long.test("a program ends with its role, and everything that it has started: time over, run killed, daemon stopped", async () => {
  const seconds = ownSeconds();
  const script = `trap '' TERM; setsid sleep ${seconds} & sleep ${seconds}`;
  await using workspace = await startScripted(script, `hang: agent({ agent: "script", prompt: "wait" })`, {
    max_sessions: 3,
  });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await untilRunning(seconds, 2);
  await workspace.kernel.api.killRun("a", null);
  await untilRunning(seconds, 0);
  await workspace.kernel.startWorkflow("w", { runId: "b" });
  await untilRunning(seconds, 2);
  await workspace.stop();
  assert.deepEqual(runningWith(seconds), []);
});

long.test("an agent that fails, is unknown or is not given to the workflow fails its role with the reason", async () => {
  await using workspace = await startScripted(
    `cat > /dev/null; echo "no key" >&2; exit 3`,
    `ask: agent({ agent: ({ start }) => start.prompt, prompt: "x" })`,
  );
  for (
    const [prompt, wanted] of [
      ["script", /agent script: ended with exit code 3: no key/],
      ["other", /agent other: nerve.yaml does not give it to workflow w/],
      ["No Name", /"No Name" is no name of an agent/],
    ] as const
  ) {
    const { runId } = await workspace.kernel.startWorkflow("w", { prompt });
    assert.match((await runEnd(workspace, runId)).reason ?? "", wanted);
  }
});
