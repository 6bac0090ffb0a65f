/** `nerve dashboard` and `nerve token`, with a real daemon, and a program that stands in for the browser. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { runCli } from "../../../src/cli/app.ts";
import { sendRaw } from "../../support/raw_http.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

const yaml = { listen: "127.0.0.1:0", senses: { a: {} } };
const senses = { a: "export const compute = () => null;" };

Deno.test("a token is shown once, listed with its last use, and revoked", async () => {
  await using workspace = await makeWorkspace({ yaml, senses });
  const daemon = await Daemon.start(workspace.paths), { root } = workspace;
  try {
    const made = await nerve(root, "token", "create", "prometheus", "--scope", "read", "--expires", "365d");
    assert.match(made.out, /^nerve_[0-9a-f]{16}_[\w-]{43}\n$/);
    assert.match(made.err, /prometheus: scope read, until .*only now/);
    assert.match((await nerve(root, "token", "list")).out, /prometheus +token +read +live +.* never/);
    const { out } = await nerve(root, "dashboard", "--print"), port = Number(/:(\d+)\//.exec(out)?.[1]);
    const metrics = await sendRaw(port, "/metrics", { headers: { authorization: `Bearer ${made.out.trim()}` } });
    assert.match(metrics.text, /^nerve_info/m);
    assert.doesNotMatch((await nerve(root, "token", "list")).out, /prometheus.* never/);
    assert.match((await nerve(root, "token", "revoke", "prometheus")).out, /revoked prometheus/);
    assert.match((await nerve(root, "token", "list")).out, /prometheus .* revoked/);
    const [id = ""] = (await nerve(root, "events", "--type", "token.created")).out.split(" ");
    assert.match((await nerve(root, "why", id)).out, /token prometheus of scope read was made/);
    const bad = await nerve(root, "token", "create", "x", "--scope", "read", "--expires", "soon");
    assert.deepEqual([bad.code, /--expires cannot be "soon"/.test(bad.err)], [2, true], bad.err);
    assert.equal((await nerve(root, "token", "create", "x", "--scope", "all")).code, 2);
    // The least that a token can do.
    assert.match((await nerve(root, "token", "create", "x")).err, /x: scope read/);
  } finally {
    await daemon.kill();
  }
});

long.test("dashboard gives a browser a file that only its user may read, and no argument that others could", async () => {
  await using workspace = await makeWorkspace({ yaml, senses });
  const daemon = await Daemon.start(workspace.paths), { root } = workspace, bin = join(root, "bin");
  const path = Deno.env.get("PATH") ?? "";
  try {
    workspace.write("bin/xdg-open", `#!/bin/sh\necho "$@" > ${join(root, "opened")}\n`);
    Deno.chmodSync(join(bin, "xdg-open"), 0o700);
    Deno.env.set("PATH", `${bin}:${path}`);
    const io = new CapturedIo({ cwd: root, env: { DISPLAY: ":0" } });
    assert.equal(await runCli(["dashboard"], io), 0, io.err);
    const opened = Deno.readTextFileSync(join(root, "opened")).trim(), link = io.out.trim();
    assert.deepEqual([opened.endsWith("/dashboard.html"), opened.includes("link=")], [true, false]);
    assert.equal((Deno.statSync(opened).mode ?? 0) & 0o777, 0o600);
    assert.ok(Deno.readTextFileSync(opened).includes(link));
    assert.match(io.err, /opened in a browser/);
    const remote = new CapturedIo({ cwd: root, env: { SSH_CONNECTION: "10.0.0.2 5 10.0.0.1 22" } });
    assert.equal(await runCli(["dashboard"], remote), 0);
    assert.match(remote.err, /ssh -L \d+:127\.0\.0\.1:\d+ 10\.0\.0\.1, and then the link/);
  } finally {
    Deno.env.set("PATH", path);
    await daemon.kill();
  }
});

long.test("without listen there is no dashboard to open, and the error says what to add", async () => {
  await using workspace = await makeWorkspace({ yaml: { senses: { a: {} } }, senses });
  const daemon = await Daemon.start(workspace.paths);
  try {
    const { code, err } = await nerve(workspace.root, "dashboard");
    assert.deepEqual([code, /add listen: 127\.0\.0\.1:7077/.test(err)], [2, true], err);
  } finally {
    await daemon.kill();
  }
});

long.test("a restored backup has no tokens: some may have been revoked since, or be of who made the backup", async () => {
  await using workspace = await makeWorkspace({ yaml, senses });
  const { root } = workspace, first = await Daemon.start(workspace.paths);
  const token = (await nerve(root, "token", "create", "old")).out.trim();
  assert.equal((await nerve(root, "store", "backup", join(root, "copy"))).code, 0);
  await first.kill();
  assert.equal((await nerve(root, "store", "restore", join(root, "copy"), "--force")).code, 0);
  const next = await Daemon.start(workspace.paths);
  try {
    assert.deepEqual(JSON.parse((await nerve(root, "token", "list", "--json")).out), { items: [] });
    const port = Number(/:(\d+)\//.exec((await nerve(root, "dashboard", "--print")).out)?.[1]);
    const answer = await sendRaw(port, "/v1/health", { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [401, "ACCESS_UNKNOWN"]);
  } finally {
    await next.kill();
  }
});
