/** `nerve approve --key` with keys of ssh-keygen, where nerve.yaml names approvers; across a restart and a reload. */
import assert from "node:assert/strict";
import { approvalSchema } from "../../../src/protocol/approval.ts";
import { long } from "../../support/long_form.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import { hasSshKeygen, publicKeyOf, sign, SshKeys } from "../../support/ssh_keys.ts";
import { runEnd } from "../../support/workflow_life.ts";

const options = { ignore: !hasSshKeygen };
const flow = (approvers: string) =>
  `import { defineWorkflow, END, gate } from "nerve";
export default defineWorkflow({
  roles: {
    ask: gate({ title: "Remove 3 images?", options: ["approve", "reject"]${approvers} }),
    say: ({ messages }) => ({ content: "did " + messages[0]?.content, meta: {} }),
  },
  moderator: ({ messages }) => (["ask", "say"] as const)[messages.length] ?? END,
});
`;

interface Signed extends AsyncDisposable {
  readonly served: ServedWorkspace;
  readonly keys: Readonly<Record<"ada" | "bob", string>>;
  /** Starts a run, which waits at its gate then. */
  ask(workflow: string, runId: string): Promise<void>;
}

/** Ada and Bob may decide; "ops" is Ada alone. */
async function serve(): Promise<Signed> {
  const made = new SshKeys(), keys = { ada: await made.make("ada", "ed25519"), bob: await made.make("bob", "ecdsa") };
  const approvers = { ada: { key: publicKeyOf(keys.ada) }, bob: { key: [publicKeyOf(keys.bob)] }, ops: ["ada"] };
  const served = await serveWorkspace({
    yaml: { approvers, workflows: { all: {}, few: {} } },
    workflows: { all: flow(""), few: flow(`, approvers: ["ops"]`) },
  });
  return {
    served,
    keys,
    async ask(workflow, runId) {
      const from = served.workspace.events.length;
      await served.workspace.kernel.startWorkflow(workflow, { runId, prompt: "" });
      await served.workspace.run("waiting", from);
    },
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await made[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an approver signs, and everyone sees who decided with which key", options, async () => {
  await using signed = await serve();
  const { served, keys } = signed;
  await signed.ask("all", "r1");
  const shown = (await served.nerve("approvals", "r1")).out;
  assert.match(shown, /decides +ada, bob\n[\s\S]*next: nerve approve r1:ask::1 --key FILE\n$/);
  assert.match((await served.nerve("why", "r1")).out, /it waits for ada, bob since /);
  const bare = await served.nerve("approve", "r1");
  assert.deepEqual([bare.code, bare.out], [1, ""]);
  assert.match(bare.err, /needs a signature\n {3}ada, bob may decide it: nerve approve r1:ask::1 --key FILE/);
  const done = await served.nerve("approve", "r1", "--key", keys.bob, "--comment", "go");
  assert.deepEqual([done.code, done.err], [0, ""]);
  await runEnd(served.workspace, "r1");
  const decided = (await served.nerve("approvals", "r1:ask::1")).out;
  assert.match(decided, /decision approve, by bob, .*\n +signed +with the key SHA256:\S+\n +comment +go\n/);
  const ended = (await served.nerve("why", "r1")).out;
  assert.match(ended, /\n👉 bob decided approve: .* \(2\S+ \S+; signed with the key SHA256:\S+; "go"\)\n/);
  const { signature, key, by } = approvalSchema.parse(
    JSON.parse((await served.nerve("approvals", "r1:ask::1", "--json")).out),
  );
  assert.deepEqual([by, key?.slice(0, 7)], ["bob", "SHA256:"]);
  assert.match(signature ?? "", /^-----BEGIN SSH SIGNATURE-----/);
  const rows = (await served.nerve("events", "--type", "approval.refused", "--json")).out.trim().split("\n");
  assert.equal(JSON.parse(rows[0] ?? "").payload.code, "APPROVAL_FORBIDDEN");
});

long.test("a signature made elsewhere counts, for its option, comment and request only", options, async () => {
  await using signed = await serve();
  const { served, keys } = signed, file = `${served.workspace.root}/decision.sig`;
  await signed.ask("few", "r1");
  const text = (await served.nerve("approvals", "r1", "--to-sign", "reject", "--comment", "no")).out;
  assert.match(text, /^nerve approval\nrequest "r1:ask::1"\ndigest [0-9a-f]{64}\noption reject\ncomment "no"\n$/);
  const failing = async (wrong: string, why: RegExp, ...more: string[]) => {
    Deno.writeTextFileSync(file, wrong);
    const refused = await served.nerve("reject", "r1", "--signature", file, ...more);
    assert.deepEqual([refused.code, why.test(refused.err)], [1, true], refused.err);
  };
  await failing(await sign(keys.bob, text), /signed by a key of bob, who may not decide it/, "--comment", "no");
  await failing(await sign(keys.ada, text), /it is for something else/);
  await failing(await sign(keys.ada, text.replace("reject", "approve")), /it is for something else/, "--comment", "no");
  Deno.writeTextFileSync(file, await sign(keys.ada, text));
  const approve = await served.nerve("approve", "r1", "--signature", file, "--comment", "no");
  assert.match(approve.err, /it is for something else/);
  const both = await served.nerve("approve", "r1", "--signature", file, "--key", keys.ada);
  assert.deepEqual([both.code, /has one signature/.test(both.err)], [2, true]);
  assert.equal((await served.nerve("reject", "r1", "--signature", file, "--comment", "no")).code, 0);
  await runEnd(served.workspace, "r1");
  assert.match((await served.nerve("approvals", "r1:ask::1")).out, /decision reject, by ada/);
});

long.test(
  "a reload brings a new key for a request that waits, and validate finds an unknown approver",
  options,
  async () => {
    await using signed = await serve();
    const { served, keys } = signed, { workspace } = served;
    await signed.ask("few", "r1");
    const yaml = (approvers: unknown) => JSON.stringify({ approvers, workflows: { all: {}, few: {} } });
    workspace.write("nerve.yaml", yaml({ ada: { key: publicKeyOf(keys.ada) } }));
    const { out } = await served.nerve("validate", "--no-types");
    assert.match(out, /its role ask names "ops", who is not among the approvers of nerve.yaml/);
    workspace.write("nerve.yaml", yaml({ ada: { key: publicKeyOf(keys.bob) }, ops: ["ada"] }));
    await workspace.kernel.api.reload();
    const client = await served.nerve("approve", "r1", "--key", keys.ada);
    assert.match(client.err, /is signed by a key of none of the approvers/);
    assert.equal((await served.nerve("approve", "r1", "--key", keys.bob)).code, 0);
    await runEnd(workspace, "r1");
  },
);

long.test(
  "a reload says which workflow its approvers stop from loading, and their return lets its run go on",
  options,
  async () => {
    await using signed = await serve();
    const { served, keys } = signed, { workspace } = served, { api } = workspace.kernel;
    await signed.ask("few", "r1");
    const yaml = (approvers: unknown) => JSON.stringify({ approvers, workflows: { all: {}, few: {} } });
    const ada = { key: publicKeyOf(keys.ada) };
    workspace.write("nerve.yaml", yaml({ ada }));
    const { problems } = await api.reload();
    const message = 'its role ask names "ops", who is not among the approvers of nerve.yaml';
    assert.deepEqual(problems.map(({ about, message }) => [about, message]), [["workflow:few", message]]);
    assert.match((await served.nerve("workflow", "list")).out, /few: .*names "ops", who is not among the approvers/);
    assert.deepEqual((await api.reload()).problems.map(({ about }) => about), ["workflow:few"], "still");
    const nobody = await served.nerve("approve", "r1", "--key", keys.ada);
    assert.match(nobody.err, /nobody may decide it: add ops to the approvers of nerve.yaml/);
    assert.equal(api.records.run("r1")?.status, "waiting");
    workspace.write("nerve.yaml", yaml({ ada, ops: ["ada"] }));
    assert.deepEqual((await api.reload()).problems, []);
    assert.doesNotMatch((await served.nerve("workflow", "list")).out, /approvers/);
    assert.equal((await served.nerve("approve", "r1", "--key", keys.ada)).code, 0);
    await runEnd(workspace, "r1");
  },
);

long.test("whoever nerve.yaml names decides only once that was approved, also after a restart", options, async () => {
  // The bug would be: an agent that may write nerve.yaml names its own key, and approves what it asked for.
  await using signed = await serve();
  const { served, keys } = signed, { workspace } = served, ada = { key: publicKeyOf(keys.ada) };
  const yaml = (approvers: unknown) => JSON.stringify({ approvers, workflows: { all: {}, few: {} } });
  workspace.write("nerve.yaml", yaml({ ada, ops: ["ada"] }));
  const first = await served.nerve("permissions", "approve");
  assert.match(first.out, /approvers\n {2}\+ a key of "ada"\n {2}\+ "ada" in the group "ops"\n/);
  assert.equal((await served.nerve("permissions", "diff")).code, 0);
  const mallory = { ada, mallory: { key: publicKeyOf(keys.bob) }, ops: ["ada", "mallory"] };
  for (const changed of [mallory, undefined]) {
    workspace.write("nerve.yaml", yaml(changed));
    const { problems } = await workspace.kernel.api.reload();
    assert.match(
      problems.find(({ about }) => about === "approvers")?.message ?? "",
      /those of nerve.permissions.lock decide/,
    );
    const runId = changed === undefined ? "r2" : "r1";
    await signed.ask("few", runId);
    assert.match((await served.nerve("why", runId)).out, /it waits for ops \(ada\) since/);
    assert.match((await served.nerve("approve", runId)).err, /needs a signature/);
    assert.match((await served.nerve("approve", runId, "--key", keys.bob)).err, /key of none of the approvers/);
    assert.match((await served.nerve("validate", "--no-types")).out, /exceeds nerve.permissions.lock: /);
    assert.equal((await served.nerve("approve", runId, "--key", keys.ada)).code, 0);
    await runEnd(workspace, runId);
  }
  await signed.ask("few", "r3");
  await served.stop();
  workspace.write("nerve.yaml", yaml(mallory));
  await workspace.start();
  await served.serve();
  assert.match((await served.nerve("approve", "r3", "--key", keys.bob)).err, /key of none of the approvers/);
  const agreed = await served.nerve("permissions", "approve");
  assert.match(agreed.out, /\+ a key of "mallory"\n {2}\+ "mallory" in the group "ops"\n/);
  assert.equal((await served.nerve("approve", "r3", "--key", keys.bob)).code, 0);
  await runEnd(workspace, "r3");
});

long.test("a key that cannot sign is an error that says what to do, and nothing asks", options, async () => {
  await using signed = await serve();
  const { served } = signed;
  await signed.ask("all", "r1");
  const missing = await served.nerve("approve", "r1", "--key", "nowhere");
  assert.deepEqual([missing.code, /nowhere cannot sign: .*No such file/.test(missing.err)], [2, true], missing.err);
  await using keys = new SshKeys();
  const locked = await keys.make("locked", "ed25519");
  const passphrase = ["-p", "-P", "", "-N", "secret", "-f", locked];
  assert.ok((await new Deno.Command("ssh-keygen", { args: passphrase, stdout: "null" }).output()).success);
  const asked = await served.nerve("approve", "r1", "--key", locked);
  assert.equal(asked.code, 2);
  assert.match(asked.err, /cannot sign: .*\n +hand the key to an agent first: ssh-add /);
});
