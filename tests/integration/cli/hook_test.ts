/** `nerve hook`, and what other commands say of hooks, with a real daemon. */
import assert from "node:assert/strict";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

const ci = `export const compute = ({ trigger }) => ({ got: trigger.deliveries.map(({ body }) => body) });`;
const yaml = {
  listen: "127.0.0.1:0",
  env_file: ".env",
  hooks: {
    git: { secret: "env GIT_SECRET", verify: "github" },
    timed: { secret: "env GIT_SECRET", verify: "standard" },
    unset: { secret: "env NOT_SET_ANYWHERE", verify: "bearer" },
  },
  senses: { ci: {} },
  reflexes: [{ sense: "ci", hook: "git" }, { sense: "ci", hook: "timed" }, { sense: "ci", hook: "unset" }],
};
const files = { ".env": "GIT_SECRET=hunter2-secret\n" };

Deno.test("hook send delivers as the sender would, and why leads from the signal back to the delivery", async () => {
  await using workspace = await makeWorkspace({ yaml, files, senses: { ci } });
  const daemon = await Daemon.start(workspace.paths), { root } = workspace;
  try {
    const sent = await nerve(
      root,
      "hook",
      "send",
      "git",
      "--data",
      '{"ref":"refs/heads/main"}',
      "--id",
      "d-1",
      "--json",
    );
    assert.equal(sent.code, 0, sent.out + sent.err);
    const { status, id, repeated } = JSON.parse(sent.out);
    assert.deepEqual([status, repeated], [202, false]);
    const again = await nerve(root, "hook", "send", "git", "--data", '{"ref":"refs/heads/main"}');
    assert.match(again.out, new RegExp(`200: it was delivered before, as row ${id}`));
    assert.match((await nerve(root, "hook", "send", "timed")).out, /202: delivered as row/);
    const unset = await nerve(root, "hook", "send", "unset");
    assert.deepEqual([unset.code, /the secret of unset is not set/.test(unset.err)], [2, true], unset.err);
    assert.match((await nerve(root, "hook", "send", "nope")).err, /there is no hook "nope"/);
    const why = await nerve(root, "why", String(id));
    assert.match(why.out, /hook git took a delivery d-1: .*refs\/heads\/main/);
    assert.match(why.out, /that was sent by another program/);
    const list = await nerve(root, "hook", "list");
    assert.match(list.out, /listens on http:\/\/127\.0\.0\.1:\d+/);
    assert.match(list.out, /git +github +ci +\d+ +.* 1 accepted, 1 repeated/);
    assert.match(list.out, /unset: its secret NOT_SET_ANYWHERE is not set/);
    assert.match((await nerve(root, "status")).out, /listens on http:\/\/127\.0\.0\.1:\d+: nerve hook list/);
    assert.match((await nerve(root, "sense", "list", "--json")).out, /"hook git"/);
    const doctor = await nerve(root, "doctor");
    assert.match(doctor.out, /hook unset: its secret NOT_SET_ANYWHERE is not set/);
    const everything = [list, why, doctor, await nerve(root, "events"), await nerve(root, "status", "--json")];
    for (const { out, err } of everything) assert.equal((out + err).includes("hunter2"), false);
  } finally {
    await daemon.kill();
  }
  const offline = JSON.parse((await nerve(root, "hook", "list", "--json")).out);
  assert.deepEqual([offline.daemon, offline.items.length, offline.items[0].counters], [false, 3, null]);
});

long.test("an address that is in use keeps the daemon from nothing else, and is told", async () => {
  const busy = Deno.listen({ hostname: "127.0.0.1", port: 0 }), { port } = busy.addr as Deno.NetAddr;
  await using workspace = await makeWorkspace({
    yaml: { ...yaml, listen: `127.0.0.1:${port}` },
    files,
    senses: { ci },
  });
  const daemon = await Daemon.start(workspace.paths), { root } = workspace;
  try {
    const { listener } = await daemon.client.hooks();
    assert.deepEqual([listener?.listening, listener?.address], [false, `127.0.0.1:${port}`]);
    assert.match(
      (await nerve(root, "hook", "list")).out,
      new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: .*in use`),
    );
    assert.match((await nerve(root, "doctor")).out, /cannot listen on/);
    assert.equal((await nerve(root, "sense", "trigger", "ci", "--wait")).code, 0);
    busy.close();
    while ((await daemon.client.hooks()).listener?.listening !== true) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.match((await nerve(root, "hook", "send", "git")).out, /202/);
  } finally {
    await daemon.kill();
  }
});
