/** The workflow git-build with real repositories, in its sandbox. */
import assert from "node:assert/strict";
import { type Config, type RunOutcome, TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

/** A bare repository `there`, a clone `mine` in which commits are made, and a clone `site` that is built. */
class Repositories implements AsyncDisposable {
  readonly root: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve build " }));
  readonly site: string = `${this.root}/site`;
  #workflow: TestWorkflow | null = null;

  async git(folder: string, ...args: string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args: ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false", ...args],
      cwd: `${this.root}/${folder}`,
      env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    }).output();
    assert.ok(success, `git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
    return new TextDecoder().decode(stdout).trim();
  }

  static async create(): Promise<Repositories> {
    const all = new Repositories();
    await all.git("", "init", "--quiet", "--bare", "--initial-branch=main", "there");
    await all.git("", "clone", "--quiet", "there", "mine");
    await all.git("mine", "checkout", "--quiet", "-B", "main");
    await all.commit("first");
    await all.git("", "clone", "--quiet", "there", "site");
    return all;
  }

  async commit(subject: string): Promise<string> {
    Deno.writeTextFileSync(`${this.root}/mine/file`, subject);
    await this.git("mine", "add", "file");
    await this.git("mine", "commit", "--quiet", "-m", subject);
    await this.git("mine", "push", "--quiet", "origin", "main");
    return await this.git("mine", "rev-parse", "HEAD");
  }

  run(config: Config = {}): Promise<RunOutcome> {
    const paths = [this.root];
    this.#workflow ??= new TestWorkflow("git-build", { run: ["git", "sh"], read: paths, write: [this.site] });
    return this.#workflow.run({ config: { folder: this.site, build: ["sh", "-c", "cat file"], ...config } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workflow?.[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }
}

long.test("git-build builds what is new, reports the range, and builds nothing twice", async () => {
  await using all = await Repositories.create();
  const first = await all.git("site", "rev-parse", "HEAD");
  await all.commit("second");
  const third = await all.commit("third");
  const built = await all.run();
  assert.equal(built.error, null, built.error?.message);
  assert.deepEqual(built.messages.map(({ role }) => role), ["pull", "build", "report"]);
  const { from, to, commits, subjects } = built.messages[0]?.meta ?? {};
  assert.deepEqual([from, to, commits], [first, third, 2]);
  assert.deepEqual(subjects.map((each: string) => each.replace(/^\S+ /, "")), ["third", "second"]);
  assert.equal(built.messages[1]?.content, "third\n");
  assert.match(built.messages[2]?.content ?? "", /^built \w{12}\.\.\w{12}, 2 commits$/);
  const again = await all.run();
  assert.deepEqual(again.messages.map(({ role }) => role), ["pull", "report"]);
  assert.match(again.messages[1]?.content ?? "", /is built already/);
  assert.equal((await all.run({ even_if_built: true })).messages.length, 3);
});

long.test("git-build builds a failed build again, with all commits since the last that was built", async () => {
  await using all = await Repositories.create();
  await all.run();
  await all.commit("bad");
  const failed = await all.run({ build: ["sh", "-c", "echo no compiler; exit 2"] });
  assert.match(failed.error?.message ?? "", /the build of .*, 1 commits ended with exit code 2: no compiler/);
  await all.commit("good");
  const mended = await all.run();
  assert.deepEqual([mended.error, mended.messages[0]?.meta.commits], [null, 2]);
});

long.test("git-build touches no repository with changes, local commits, or without a branch", async () => {
  await using all = await Repositories.create();
  const before = await all.git("site", "rev-parse", "HEAD");
  await all.commit("second");
  const refused = async (why: RegExp, config: Config = {}) => {
    const { error, messages } = await all.run(config);
    assert.match(error?.message ?? "", why);
    assert.deepEqual(messages, []);
  };
  Deno.writeTextFileSync(`${all.site}/file`, "mine");
  await refused(/1 files have changes that are not committed/);
  await all.git("site", "checkout", "--quiet", "file");
  await refused(/main is checked out, not stable/, { branch: "stable" });
  await all.git("site", "commit", "--quiet", "--allow-empty", "-m", "local");
  await refused(/main has 1 commits that origin\/main does not have/);
  await all.git("site", "reset", "--quiet", "--hard", before);
  await all.git("site", "checkout", "--quiet", "--detach");
  await refused(/no branch is checked out/);
  await all.git("site", "checkout", "--quiet", "-b", "alone");
  await refused(/alone has no upstream/);
  assert.equal(await all.git("site", "rev-parse", "HEAD"), before);
});

long.test("git-build is asked for no password, and shows none", async () => {
  await using all = await Repositories.create();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    return new Response("who?", { status: 401, headers: { "www-authenticate": "Basic realm=git" } });
  });
  const host = `127.0.0.1:${server.addr.port}`;
  await all.git("site", "remote", "set-url", "origin", `http://ada:secret@${host}/site.git`);
  await using workflow = new TestWorkflow("git-build", {
    run: ["git", "true"],
    read: [all.root],
    write: [all.site],
    net: [host],
  });
  const { error, logs } = await workflow.run({ config: { folder: all.site, build: ["true"] } });
  assert.match(error?.message ?? "", /git fetch failed: .*(Authentication failed|could not read)/);
  assert.doesNotMatch(JSON.stringify([error, logs]), /secret/);
});

long.test("git-build runs no hook of the repository", async () => {
  await using all = await Repositories.create();
  await all.commit("second");
  for (const name of ["post-merge", "post-checkout", "reference-transaction"]) {
    Deno.writeTextFileSync(`${all.site}/.git/hooks/${name}`, "#!/bin/sh\ntouch hooked\n", { mode: 0o755 });
  }
  const { error } = await all.run({ build: ["sh", "-c", "test ! -e hooked"] });
  assert.equal(error, null, error?.message);
});

long.test("git-build fails with NotCapable without its grant", async () => {
  await using workflow = new TestWorkflow("git-build", { run: ["true"] });
  const { error } = await workflow.run({ config: { folder: "/srv/site", build: ["true"] } });
  assert.equal(error?.name, "NotCapable", error?.message);
});
