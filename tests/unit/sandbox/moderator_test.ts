/** Asking a moderator. Danger: a run takes a path that it could not take again after a restart. */
import assert from "node:assert/strict";
import { rereadRoundsMax } from "../../../src/base/limits.ts";
import type { RunMessage, RunStart } from "../../../src/protocol/run.ts";
import { askModerator, findContradiction, toFinished } from "../../../src/sandbox/moderator.ts";
import { readRoles } from "../../../src/sandbox/roles.ts";
import { END, failRun, killRun, type ModeratorContext, type Workflow } from "../../../src/sdk/workflow.ts";

const start: RunStart = {
  runId: "a",
  workflow: "w",
  prompt: "",
  maxRounds: 10,
  payload: null,
  trigger: { kind: "manual" },
};

function messagesBy(...roles: string[]): RunMessage[] {
  return roles.map((role, index) => ({ round: index + 1, role, content: "", meta: {}, ts: 0 }));
}

/** A workflow with the roles "scan" and "tidy" and this moderator, whose answer may be anything. */
function workflowWith(moderator: (context: ModeratorContext) => unknown): Workflow {
  const role = () => ({ content: "", meta: {} });
  return { roles: { scan: role, tidy: role }, moderator: moderator as Workflow["moderator"] };
}

function ask(moderator: (context: ModeratorContext) => unknown, messages: RunMessage[] = []) {
  const workflow = workflowWith(moderator), roles = readRoles(workflow.roles);
  assert.ok(roles.ok);
  return askModerator(workflow, roles.value, start, messages);
}

function faultOf(moderator: (context: ModeratorContext) => unknown, messages: RunMessage[] = []): string {
  const answer = ask(moderator, messages);
  return answer.kind === "wrong" ? answer.message : `(${answer.kind})`;
}

Deno.test("a moderator answers with a role or with END", () => {
  const answer = ask(({ messages }) => messages.length === 0 ? "scan" : END);
  assert.deepEqual([answer.kind, answer.kind === "role" && answer.name], ["role", "scan"]);
  assert.equal(ask(() => END).kind, "end");
});

Deno.test("a moderator ends its run as completed, failed or killed, with its reason", () => {
  const finished = (end: string) => {
    const answer = ask(() => end);
    return answer.kind === "end" ? toFinished(answer) : answer.kind;
  };
  assert.deepEqual(finished(END), { kind: "completed" });
  assert.deepEqual(finished(failRun("too wide")), { kind: "stopped", status: "failed", reason: "too wide" });
  assert.deepEqual(finished(killRun("not now")), { kind: "stopped", status: "killed", reason: "not now" });
  assert.match(faultOf(() => "__failed__"), /neither END nor a role/);
  for (const name of [killRun("x"), "a\0b", "\ud800"]) {
    const named = readRoles({ [name]: () => ({ content: "", meta: {} }) });
    assert.ok(!named.ok && /cannot be the name of a role/.test(named.error), JSON.stringify(name));
  }
});

Deno.test("a moderator that throws, returns a promise, or names no role gives an error that says so", () => {
  const thrown = new Error("no idea");
  const answer = ask(() => {
    throw thrown;
  });
  assert.ok(answer.kind === "wrong" && answer.thrown === thrown);
  assert.match(answer.message, /threw after 0 messages: no idea/);
  assert.match(faultOf(() => Promise.reject(new Error("late"))), /returned a promise/);
  assert.match(faultOf(() => "clean"), /returned "clean", which is neither END nor a role \(scan, tidy\)/);
  assert.match(faultOf(() => undefined), /returned undefined/);
  assert.match(faultOf(() => "toString"), /neither END nor a role/);
});

Deno.test("a moderator that answers the same messages differently is not pure", () => {
  let calls = 0;
  assert.match(
    faultOf(() => calls++ % 2 === 0 ? "scan" : "tidy"),
    /not pure: .* returned "scan", then returned "tidy"/,
  );
  calls = 0;
  const second = () => {
    if (calls++ > 0) throw new Error("only once");
    return "scan";
  };
  assert.match(faultOf(second), /not pure: .* then threw only once/);
});

Deno.test("a moderator cannot change the messages that the next one sees", () => {
  assert.match(faultOf(({ messages }) => (messages as RunMessage[]).push(...messagesBy("tidy"))), /threw/);
});

const threadBy = (...roles: string[]) => ({ start, messages: messagesBy(...roles), accepted: 0 });

Deno.test("findContradiction() is null when the moderator names the same role again for every round", async () => {
  const workflow = workflowWith(({ messages }) => messages.length % 2 === 0 ? "scan" : "tidy");
  assert.equal(await findContradiction(workflow, threadBy("scan", "tidy", "scan")), null);
});

Deno.test("findContradiction() names the first round for which the moderator now names another role", async () => {
  const workflow = workflowWith(({ messages }) => messages.length < 2 ? "scan" : END);
  const found = await findContradiction(workflow, threadBy("scan", "tidy", "tidy"));
  assert.match(found?.message ?? "", /round 2 was done by "tidy", but for the same 1 messages .* returns "scan"/);
  const throws = workflowWith(() => {
    throw new Error("gone");
  });
  assert.match((await findContradiction(throws, threadBy("scan")))?.message ?? "", /now throws gone/);
});

Deno.test("findContradiction() checks the newest rounds only", async () => {
  let calls = 0;
  const workflow = workflowWith(() => {
    calls++;
    return "scan";
  });
  const many = threadBy(...Array(rereadRoundsMax + 5).fill("scan"));
  assert.equal(await findContradiction(workflow, many), null);
  assert.equal(calls, rereadRoundsMax);
});

Deno.test("findContradiction() does not ask about rounds that a person has accepted", async () => {
  const workflow = workflowWith(({ messages }) => messages.length < 2 ? "scan" : "tidy");
  const thread = threadBy("tidy", "tidy", "tidy");
  assert.match((await findContradiction(workflow, thread))?.message ?? "", /round 1 was done by "tidy"/);
  assert.match((await findContradiction(workflow, { ...thread, accepted: 1 }))?.message ?? "", /round 2 was done/);
  assert.equal(await findContradiction(workflow, { ...thread, accepted: 2 }), null);
});
