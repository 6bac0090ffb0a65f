/** git-status on real repositories, in its sandbox. */
import assert from "node:assert/strict";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { copyProgram, writeProgram } from "../../support/programs.ts";

/** A folder with a repository `here` whose upstream is the bare repository `there`. */
class Repository implements AsyncDisposable {
  readonly root: string = Deno.makeTempDirSync({ prefix: "nerve git " });
  readonly path: string = `${this.root}/here`;

  async git(...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args: ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false", ...args],
      cwd: this.path,
      env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    }).output();
    assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trim();
  }

  static async create(): Promise<Repository> {
    const repository = new Repository();
    Deno.mkdirSync(repository.path);
    await repository.git("init", "--quiet", "--initial-branch=main");
    return repository;
  }

  write(name: string, text: string): void {
    Deno.writeTextFileSync(`${this.path}/${name}`, text);
  }

  async commit(name: string, text: string): Promise<void> {
    this.write(name, text);
    await this.git("add", "--", name);
    await this.git("commit", "--quiet", "-m", `change ${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

Deno.test("git-status reports branch, dirty files and distance, and signals only when something has changed", async () => {
  await using repository = await Repository.create();
  const { path } = repository;
  await using sense = new QuietSense("git-status", { run: ["git"], read: [repository.root] });
  const empty = valueOf(await sense.compute({ path }));
  assert.deepEqual([empty.branch, empty.commit, empty.upstream, empty.ahead, empty.dirty], [
    "main",
    null,
    null,
    null,
    0,
  ]);
  assert.deepEqual(await sense.compute({ path }), { kind: "null" });

  await repository.commit("a", "1");
  await repository.commit("b", "1");
  await repository.git("init", "--quiet", "--bare", "../there");
  await repository.git("remote", "add", "origin", "../there");
  await repository.git("push", "--quiet", "-u", "origin", "main");
  const even = valueOf(await sense.compute({ path }));
  assert.deepEqual([even.upstream, even.ahead, even.behind], ["origin/main", 0, 0]);
  assert.equal(even.commit, await repository.git("rev-parse", "HEAD"));

  await repository.git("reset", "--quiet", "--hard", "HEAD~1");
  await repository.commit("c", "1");
  await repository.commit("d", "1");
  const apart = valueOf(await sense.compute({ path }));
  assert.deepEqual([apart.ahead, apart.behind], [2, 1]);
  assert.deepEqual(await sense.compute({ path }), { kind: "null" });

  await repository.git("checkout", "--quiet", "--detach");
  const detached = valueOf(await sense.compute({ path }));
  assert.deepEqual([detached.branch, detached.upstream, detached.ahead], [null, null, null]);
});

long.test("git-status counts staged, modified, untracked, renamed and conflicted files, whatever their names", async () => {
  await using repository = await Repository.create();
  const { path } = repository;
  const odd = 'line\nbreak "quoted" \u00fcml\u00e4ut';
  for (const name of ["both", "modified", "deleted", "old name", "calm"]) {
    await repository.commit(name, `${name}\n`.repeat(9));
  }
  repository.write("both", "2");
  await repository.git("add", "both");
  repository.write("both", "3");
  repository.write("modified", "2");
  Deno.removeSync(`${path}/deleted`);
  await repository.git("mv", "old name", "new name");
  repository.write(odd, "1");
  repository.write("# branch.head fake", "1");
  Deno.mkdirSync(`${path}/folder`);
  repository.write("folder/inner", "1");
  await using sense = new QuietSense("git-status", { run: ["git"], read: [repository.root] });
  const status = valueOf(await sense.compute({ path }));
  const { dirty, staged, modified, untracked, conflicted } = status;
  assert.deepEqual({ dirty, staged, modified, untracked, conflicted }, {
    dirty: 7,
    staged: 2,
    modified: 3,
    untracked: 3,
    conflicted: 0,
  });
  assert.equal(status.branch, "main", "a file's name cannot pass for a header");
  const expected = ["both", "modified", "deleted", "new name", odd, "# branch.head fake", "folder/inner"];
  assert.deepEqual(new Set(status.files), new Set(expected));
});

long.test("git-status counts files in conflict", async () => {
  await using repository = await Repository.create();
  await repository.commit("a", "base");
  await repository.git("checkout", "--quiet", "-b", "other");
  await repository.commit("a", "theirs");
  await repository.git("checkout", "--quiet", "main");
  await repository.commit("a", "ours");
  await assert.rejects(repository.git("merge", "other"));
  await using sense = new QuietSense("git-status", { run: ["git"], read: [repository.root] });
  const status = valueOf(await sense.compute({ path: repository.path }));
  assert.deepEqual([status.conflicted, status.dirty, status.files], [1, 1, ["a"]]);
});

long.test("git-status names at most 50 files and counts all", async () => {
  await using repository = await Repository.create();
  for (let n = 0; n < 60; n++) repository.write(`file ${n}`, "");
  await using sense = new QuietSense("git-status", { run: ["git"], read: [repository.root] });
  const status = valueOf(await sense.compute({ path: repository.path }));
  assert.deepEqual([status.untracked, status.dirty, status.files.length], [60, 60, 50]);
});

long.test("git-status runs no file-system monitor and no hook, and writes nothing", async () => {
  await using repository = await Repository.create();
  await repository.commit("a", "1");
  const trace = `${repository.root}/trace`;
  const script = `${repository.root}/script`;
  writeProgram(script, `#!/bin/sh\necho ran >> '${trace}'\n`);
  await repository.git("config", "core.fsmonitor", `'${script}'`);
  copyProgram(script, `${repository.path}/.git/hooks/post-index-change`);
  // The same contents at a later time: a plain `git status` would refresh the index, and write it.
  Deno.utimeSync(`${repository.path}/a`, 1_000_000_000, 1_000_000_000);
  const before = Deno.statSync(`${repository.path}/.git/index`);
  await using sense = new QuietSense("git-status", { run: ["git"], read: [repository.root] });
  valueOf(await sense.compute({ path: repository.path }));
  const after = Deno.statSync(`${repository.path}/.git/index`);
  assert.deepEqual([after.ino, after.mtime], [before.ino, before.mtime]);
  assert.throws(() => Deno.statSync(trace), Deno.errors.NotFound);
  await repository.git("status");
  assert.ok(Deno.statSync(trace).size > 0, "without the precautions the scripts do run");
});

long.test("git-status fails with git's message where there is no repository, and rejects a relative path", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    await using sense = new QuietSense("git-status", { run: ["git"], read: [folder] });
    const none = await sense.compute({ path: folder });
    assert.ok(none.kind === "error" && none.message.includes("not a git repository"), JSON.stringify(none));
    const missing = await sense.compute({ path: `${folder}/missing` });
    assert.ok(missing.kind === "error" && missing.message.includes("git status failed"), JSON.stringify(missing));
    const relative = await sense.compute({ path: "--help" });
    assert.ok(relative.kind === "error" && relative.message.includes("must be absolute"), JSON.stringify(relative));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

long.test("git-status fails with NotCapable without its grant", async () => {
  await using sense = new QuietSense("git-status", { run: ["true"] });
  const outcome = await sense.compute({ path: "/" });
  assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  assert.ok(outcome.kind === "error" && outcome.message.includes(`run access to "git"`), JSON.stringify(outcome));
});
