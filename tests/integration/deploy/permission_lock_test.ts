/**
 * The permission lock under a running kernel. What it prevents: a grant that somebody added to nerve.yaml, or that came
 * with a pull, is in force as soon as the file is saved, and nobody was asked.
 */
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { createLock, writeLock } from "../../../src/config/permissions/lock_file.ts";
import { long } from "../../support/long_form.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import type { WorkspaceFixture, WorkspaceOptions } from "../../support/workspace_fixture.ts";

/** Says whether it may use the grant, and which version of the code it is. */
const attempt = (version: string) => `
  export const compute = () => {
    try { Deno.hostname(); return { granted: true, version: "${version}" }; }
    catch { return { granted: false, version: "${version}" }; }
  };\n`;
const grant = { permissions: { sys: ["hostname"] } };
const lockFile = ({ root }: WorkspaceFixture) => `${root}/nerve.permissions.lock`;
const heldPattern = /^still on the previous version: .*sys "hostname".*nerve permissions approve$/;

/** A served workspace whose permissions are approved as they are. */
async function approved(options: WorkspaceOptions): Promise<ServedWorkspace> {
  const locked = { version: 1, senses: { a: { peers: "all" } }, workflows: { w: {} } };
  return await serveWorkspace({
    ...options,
    files: { "nerve.permissions.lock": JSON.stringify(locked), ...options.files },
  });
}

function save({ workspace }: ServedWorkspace, yaml: unknown): void {
  workspace.write("nerve.yaml", stringify(yaml));
}

Deno.test("a saved grant beyond the lock changes nothing but what nerve says everywhere, until it is approved", async () => {
  await using served = await approved({ senses: { a: attempt("one"), b: attempt("b") }, watch: true });
  const { workspace } = served;
  assert.deepEqual(await workspace.payload("a"), { granted: false, version: "one" });
  const pid = workspace.pid("a"), from = workspace.events.length;
  save(served, { senses: { a: grant, b: { timeout: "9s" } } });
  await workspace.problem("sense:a", heldPattern, from);
  assert.deepEqual(await workspace.payload("a"), { granted: false, version: "one" });
  assert.deepEqual(await workspace.payload("b"), { granted: false, version: "b" });
  assert.equal(workspace.pid("a"), pid);
  assert.match(workspace.sense("a").problem ?? "", heldPattern);
  assert.match(workspace.unit("a").problem ?? "", /^a: still on the previous version/);
  assert.equal((await workspace.rows({ type: "sense.held" })).length, 1);
  const reply = await workspace.kernel.api.reload();
  assert.deepEqual(reply.problems.map(({ about }) => about).filter((about) => about.startsWith("sense:")), ["sense:a"]);
  for (const command of [["status"], ["sense", "list"], ["doctor"], ["reload"], ["validate", "--no-types"]]) {
    const { code, out } = await served.nerve(...command);
    assert.match(out, /hostname|asks for more than nerve\.permissions\.lock/, command.join(" "));
    if (!["status", "sense"].includes(command[0] ?? "")) assert.equal(code, 1, command.join(" "));
  }
  assert.equal((await served.nerve("permissions", "diff")).code, 1);
  assert.deepEqual(await workspace.payload("a"), { granted: false, version: "one" }, "looking agrees to nothing");
  const { code, out } = await served.nerve("permissions", "approve");
  assert.equal(code, 0);
  // Which process gets new work is told only where the watched file was not seen first.
  assert.match(out, /\+ sys "hostname"[^]*approved: /);
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "one" });
  assert.equal(workspace.sense("a").problem, null);
  assert.equal((await served.nerve("permissions", "diff")).code, 0);
});

long.test("code that is saved with the grant waits for the approval too, while its process runs", async () => {
  await using served = await approved({ senses: { a: attempt("one") }, watch: true });
  const { workspace } = served;
  await workspace.payload("a");
  const from = workspace.events.length;
  save(served, { senses: { a: grant } });
  workspace.write("senses/a/index.ts", attempt("two"));
  await workspace.problem("sense:a", heldPattern, from);
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { granted: false, version: "one" });
  // Taken back: the code then goes its usual way.
  save(served, { senses: { a: {} } });
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { granted: false, version: "two" });
  assert.equal(workspace.sense("a").problem, null);
  save(served, { senses: { a: grant } });
  await served.nerve("permissions", "approve");
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "two" });
});

long.test("at a start, what exceeds the lock does not run: computes say why, runs wait, and the rest works", async () => {
  const workflow = `import { defineWorkflow, END } from "nerve";
    export default defineWorkflow({
      roles: { one: () => ({ content: Deno.hostname(), meta: {} }) },
      moderator: ({ messages }) => messages.length === 0 ? "one" : END,
    });\n`;
  await using served = await approved({
    senses: { a: attempt("a"), b: attempt("b") },
    workflows: { w: workflow },
    yaml: { senses: { a: grant, b: {} }, workflows: { w: grant } },
  });
  const { workspace } = served;
  const refused = await workspace.trigger("a");
  assert.equal(refused.kind, "group_down");
  assert.match(JSON.stringify(refused), /does not run: it asks for more than nerve\.permissions\.lock/);
  assert.deepEqual(await workspace.payload("b"), { granted: false, version: "b" });
  const { runId } = await workspace.kernel.startWorkflow("w");
  assert.deepEqual([workspace.unit("a").state, workspace.unit("w").state, workspace.sense("a").state], [
    "held",
    "held",
    "held",
  ]);
  assert.match(workspace.kernel.api.workflows()[0]?.problem ?? "", /does not run: .*sys "hostname"/);
  assert.match((await served.nerve("workflow", "list")).out, /does not run/);
  for (const part of ["sense", "workflow"]) await served.nerve(part, "reset", part === "sense" ? "a" : "w");
  await workspace.kernel.api.reload();
  assert.deepEqual(
    [workspace.unit("a").pid, workspace.unit("w").pid],
    [null, null],
    "no order lifts it but the approval",
  );
  assert.equal((await served.nerve("permissions", "approve")).code, 0);
  const { run } = await workspace.run("completed");
  assert.equal(run.runId, runId);
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "a" });
});

long.test("a lock that is broken, a link or gone under a running kernel lets nothing grow, and says so", async () => {
  await using served = await approved({ senses: { a: attempt("a") }, watch: true });
  const { workspace } = served, good = Deno.readTextFileSync(lockFile(workspace));
  const spoil: [pattern: RegExp, how: () => void][] = [
    [/is not JSON/, () => Deno.writeTextFileSync(lockFile(workspace), "{")],
    [/symbolic link/, () => {
      workspace.write("files/lock", JSON.stringify({ version: 1, senses: { a: { sys: true } }, workflows: {} }));
      Deno.removeSync(lockFile(workspace));
      Deno.symlinkSync("files/lock", lockFile(workspace));
    }],
    [/was removed, and stays in force until nerve reload/, () => Deno.removeSync(lockFile(workspace))],
  ];
  for (const [pattern, how] of spoil) {
    const from = workspace.events.length;
    how();
    save(served, { senses: { a: grant } });
    await workspace.problem("kernel", pattern, from);
    assert.match(workspace.health().lockError ?? "", pattern);
    assert.match((await served.nerve("status")).out, pattern);
    assert.deepEqual(await workspace.payload("a"), { granted: false, version: "a" }, String(pattern));
    Deno.writeTextFileSync(`${lockFile(workspace)}.new`, good);
    Deno.renameSync(`${lockFile(workspace)}.new`, lockFile(workspace));
    await workspace.kernel.api.reload();
    assert.equal(workspace.health().lockError, null);
  }
});

long.test("a lock that shrinks ends what exceeds it; without a lock, on request, nothing is bound", async () => {
  await using served = await serveWorkspace({ senses: { a: attempt("a") }, yaml: { senses: { a: grant } } });
  const { workspace } = served;
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "a" });
  await writeLock(createLock(await workspace.config()), workspace.paths);
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "a" });
  Deno.writeTextFileSync(lockFile(workspace), JSON.stringify({ version: 1, senses: {}, workflows: {} }));
  await workspace.kernel.api.reload();
  assert.equal((await workspace.trigger("a")).kind, "group_down");
  Deno.removeSync(lockFile(workspace));
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "a" });
});

long.test("a broken lock at a start runs what needs no permission", async () => {
  await using served = await approved({
    senses: { a: attempt("a"), b: attempt("b") },
    yaml: { senses: { a: grant, b: {} } },
    files: { "nerve.permissions.lock": "{" },
  });
  const { workspace } = served;
  assert.equal((await workspace.trigger("a")).kind, "group_down");
  assert.deepEqual(await workspace.payload("b"), { granted: false, version: "b" });
  assert.match(workspace.health().lockError ?? "", /is not JSON/);
});

long.test("a sense that is moved into a group, and gains by it, stays where it was, and one that is added waits", async () => {
  const text = (part: string) => attempt(part);
  await using served = await serveWorkspace({
    senses: { a: text("a"), b: text("b"), c: text("c") },
    yaml: { senses: { a: { group: "g", ...grant }, b: { peers: [] } } },
  });
  const { workspace } = served;
  await served.nerve("permissions", "approve");
  save(served, { senses: { a: { group: "g", ...grant }, b: { group: "g", peers: [] }, c: { group: "g" } } });
  await workspace.kernel.api.reload();
  assert.deepEqual(await workspace.payload("a"), { granted: true, version: "a" });
  assert.deepEqual(await workspace.payload("b"), { granted: false, version: "b" });
  assert.equal((await workspace.trigger("c")).kind, "group_down");
  assert.match(workspace.sense("b").problem ?? "", /^still on the previous version: .*sys "hostname"/);
  assert.match(workspace.sense("c").problem ?? "", /^does not run: .*sys "hostname"/);
  await served.nerve("permissions", "approve");
  for (const name of ["a", "b", "c"]) assert.deepEqual(await workspace.payload(name), { granted: true, version: name });
  assert.deepEqual(workspace.health().units.map(({ name }) => name), ["g"]);
});
