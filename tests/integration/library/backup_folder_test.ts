/** The workflow backup-folder with the real restic and rsync, in its sandbox. */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { setImmediate } from "node:timers";
import { hasProgram } from "../../support/debian.ts";
import { type Config, type Grants, type RunOutcome, TestWorkflow } from "../../support/library.ts";
import { type Form, isLong, long } from "../../support/long_form.ts";

const hasRestic = isLong && await hasProgram("restic", "restic"), hasRsync = await hasProgram("rsync", "rsync");
const password = "kept secret";

/** A folder with files, and a target. */
class Place implements AsyncDisposable {
  readonly root: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve backup " }));
  readonly folder: string = `${this.root}/site`;
  readonly target: string = `${this.root}/target`;
  #workflow: TestWorkflow | null = null;
  readonly #config: Config;
  readonly #grants: Grants;

  constructor(tool: "restic" | "rsync", config: Config = {}) {
    Deno.mkdirSync(`${this.folder}/deep`, { recursive: true });
    Deno.mkdirSync(this.target);
    Deno.writeTextFileSync(`${this.folder}/a b`, "1".repeat(5_000));
    Deno.writeTextFileSync(`${this.folder}/deep/c`, "2");
    this.#config = { tool, folder: this.folder, target: this.target, ...config };
    const files = { read: [this.folder, this.target], write: [this.target] };
    this.#grants = tool === "rsync"
      ? { ...files, run: ["rsync"] }
      : { ...files, run: ["restic", "test"], env: ["RESTIC_PASSWORD"], sys: ["hostname"] };
    Deno.env.set("RESTIC_PASSWORD", password);
  }

  async run(config: Config = {}, abortOn?: Promise<unknown>): Promise<RunOutcome> {
    this.#workflow ??= new TestWorkflow("backup-folder", this.#grants);
    const request = { config: { ...this.#config, ...config }, ...abortOn === undefined ? {} : { abortOn } };
    const outcome = await this.#workflow.run(request);
    assert.doesNotMatch(JSON.stringify(outcome), new RegExp(password));
    return outcome;
  }

  /** How many hold the repository, without asking restic, which computes for half a second before it answers anything. */
  get locks(): number {
    return [...Deno.readDirSync(`${this.target}/locks`)].filter(({ name }) => !name.includes("-tmp-")).length;
  }

  async restic(...args: string[]): Promise<string> {
    const { stdout } = await new Deno.Command("restic", {
      args: ["--no-cache", ...args],
      env: { RESTIC_REPOSITORY: this.target, RESTIC_PASSWORD: password },
    }).output();
    return new TextDecoder().decode(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workflow?.[Symbol.asyncDispose]();
    Deno.env.delete("RESTIC_PASSWORD");
    await Deno.remove(this.root, { recursive: true });
  }
}

/** An empty repository: restic computes for two seconds to make one. */
let repository: Promise<string> | null = null;

async function makeRepository(): Promise<string> {
  const path = await Deno.makeTempDir({ prefix: "nerve-restic-" }), decoder = new TextDecoder();
  const env = { RESTIC_REPOSITORY: path, RESTIC_PASSWORD: password };
  const { success, stderr } = await new Deno.Command("restic", { args: ["--no-cache", "init"], env }).output();
  assert.ok(success, decoder.decode(stderr));
  return path;
}

Deno.test.afterAll(async () => {
  if (repository !== null) await Deno.remove(await repository, { recursive: true });
});

interface ResticTest {
  /** There is a repository already; default true. */
  readonly made?: boolean;
}

function resticTest(
  name: string,
  test: (place: Place) => Promise<void>,
  { made = true }: ResticTest = {},
): void {
  long.test({
    name,
    ignore: !hasRestic,
    async fn() {
      await using place = new Place("restic", { init: !made });
      if (made) await cp(await (repository ??= makeRepository()), place.target, { recursive: true });
      await test(place);
    },
  });
}

function last({ messages, error }: RunOutcome) {
  assert.equal(error, null, error?.message);
  const message = messages.at(-1);
  assert.equal(message?.role, "report");
  return message?.meta;
}

resticTest("backup-folder makes a repository, backs up, removes old backups, verifies and reports", async (place) => {
  const first = last(await place.run({ keep_last: 1, verify_data: "100%" }));
  assert.deepEqual([first.files, first.bytes, first.kept, first.verified], [2, 5_001, 1, true]);
  assert.ok(first.addedBytes > 0 && first.repositoryBytes > 0);
  Deno.writeTextFileSync(`${place.folder}/deep/c`, "y");
  await place.run({ keep_last: 1 });
  const kept = JSON.parse(await place.restic("snapshots", "--json"));
  assert.deepEqual(kept.map(({ tags }: { tags: string[] }) => tags), [["nerve-backup-folder"]]);
  await place.restic("restore", "latest", "--target", `${place.root}/restored`);
  assert.equal(Deno.readTextFileSync(`${place.root}/restored${place.folder}/deep/c`), "y");
}, { made: false });

resticTest("backup-folder makes no repository where there should be one", async (place) => {
  const { error } = await place.run({ init: false });
  assert.match(error?.message ?? "", /there is no repository at .*: is it mounted\?/);
  assert.deepEqual([...Deno.readDirSync(place.target)], []);
}, { made: false });

/** restic with a backup that does not end, as of standard input, and so with a lock. */
async function startOther(place: Place): Promise<Deno.ChildProcess> {
  const child = new Deno.Command("restic", {
    args: ["--no-cache", "backup", "--stdin"],
    env: { RESTIC_REPOSITORY: place.target, RESTIC_PASSWORD: password },
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  while (place.locks === 0) await new Promise((resolve) => setImmediate(resolve));
  return child;
}

resticTest("backup-folder removes the lock of a restic that was killed, and not of one that works", async (place) => {
  await place.run();
  const other = await startOther(place);
  const { error } = await place.run({ keep_last: 1 });
  assert.match(error?.message ?? "", new RegExp(`the repository is in use: process ${other.pid} on `));
  assert.equal(place.locks, 1, "its lock is there");
  other.kill("SIGKILL");
  await other.stdin.close().catch(() => {});
  await other.status;
  const again = await place.run({ keep_last: 1 });
  assert.equal(again.messages[0]?.content, "removed 1 locks that were left behind");
  assert.equal(last(again).kept, 1);
  assert.equal(place.locks, 0);
});

/** Resolves when somebody has locked the repository. */
async function untilLocked({ target }: Place): Promise<void> {
  using watcher = Deno.watchFs(`${target}/locks`);
  for await (const { kind } of watcher) if (kind === "create") return;
}

resticTest(
  "backup-folder leaves a repository that the next run can use when it is killed in the middle",
  async (place) => {
    await place.run();
    const part = crypto.getRandomValues(new Uint8Array(65_536)), large = new Uint8Array(96 * 2 ** 20);
    for (let at = 0; at < large.length; at += part.length) large.set(part.map((byte) => byte ^ (at / part.length)), at);
    Deno.writeFileSync(`${place.folder}/large`, large);
    const killed = await place.run({}, untilLocked(place));
    assert.equal(killed.error?.name, "AbortError", JSON.stringify(killed));
    const again = await place.run({ keep_last: 1 });
    assert.match(again.messages[0]?.content ?? "", /^the repository is free$|^removed 1 locks/);
    assert.equal(last(again).files, 3);
    assert.equal(place.locks, 0);
  },
);

resticTest("backup-folder says that the password is wrong, and that files could not be read", async (place) => {
  await place.run();
  await using other = new TestWorkflow("backup-folder", {
    ...{ read: [place.folder, place.target], write: [place.target], run: ["restic", "test"] },
    ...{ env: ["OTHER_PASSWORD"], sys: ["hostname"] },
  });
  Deno.env.set("OTHER_PASSWORD", "wrong");
  const { error } = await other.run({
    config: { folder: place.folder, target: place.target, password_env: "OTHER_PASSWORD" },
  });
  Deno.env.delete("OTHER_PASSWORD");
  assert.match(error?.message ?? "", /restic cat config ended with exit code .*(wrong password|no key found)/i);
  // What Landlock does not let the workflow read.
  Deno.symlinkSync("/etc/shadow", `${place.folder}/link`);
  Deno.linkSync(`${place.folder}/a b`, `${place.root}/elsewhere`);
  assert.equal(last(await place.run()).files, 2, "a link is kept as a link");
});

function rsyncTest(name: string, test: (place: Place) => Promise<void>, form: Form = Deno): void {
  form.test({
    name,
    ignore: !hasRsync,
    async fn() {
      await using place = new Place("rsync");
      await test(place);
    },
  });
}

rsyncTest("backup-folder copies by rsync, verifies every file, and removes only what it should", async (place) => {
  const first = last(await place.run({ exclude: ["*.tmp"] }));
  assert.deepEqual([first.files, first.bytes, first.addedBytes, first.verified], [2, 5_001, 5_001, true]);
  Deno.removeSync(`${place.folder}/a b`);
  Deno.writeTextFileSync(`${place.folder}/x.tmp`, "no");
  last(await place.run({ exclude: ["*.tmp"] }));
  const names = () => [...Deno.readDirSync(place.target)].map(({ name }) => name).sort();
  assert.deepEqual(names(), ["a b", "deep"]);
  assert.equal(last(await place.run({ delete: true })).addedBytes, 2);
  assert.deepEqual(names(), ["deep", "x.tmp"]);
});

rsyncTest("backup-folder finds a copy that differs, and no target where a share is not mounted", async (place) => {
  last(await place.run());
  // The same size and time: only its contents tell.
  const { mtime } = Deno.statSync(`${place.target}/deep/c`);
  Deno.writeTextFileSync(`${place.target}/deep/c`, "3");
  Deno.utimeSync(`${place.target}/deep/c`, mtime ?? 0, mtime ?? 0);
  const { error } = await place.run();
  assert.match(error?.message ?? "", /1 files of the copy differ, such as deep\/c/);
  Deno.mkdirSync(`${place.target}/.nerve-backup`);
  Deno.writeTextFileSync(`${place.target}/.nerve-backup/rest`, "half");
  const mended = await place.run({ verify: false });
  assert.equal(mended.messages[0]?.content, "removed what an interrupted run had left");
  Deno.removeSync(place.target, { recursive: true });
  // nerve makes a folder that is to be written: only a file of the share tells that it is not mounted.
  const marker = ".this-is-the-share";
  assert.match(
    (await place.run({ marker })).error?.message ?? "",
    /there is no .*\.this-is-the-share: is the target mounted\?/,
  );
  Deno.writeTextFileSync(`${place.target}/${marker}`, "");
  last(await place.run({ marker, delete: true }));
  assert.deepEqual([...Deno.readDirSync(place.target)].map(({ name }) => name).sort(), [marker, "a b", "deep"]);
}, long);

long.test("backup-folder refuses what cannot be backed up, and fails with NotCapable without its grants", async () => {
  await using workflow = new TestWorkflow("backup-folder", { read: ["/srv", "/mnt"] });
  const failed = async (config: Config) => (await workflow.run({ config })).error;
  assert.match((await failed({ tool: "tar", folder: "/srv/a", target: "/mnt/a" }))?.message ?? "", /restic or rsync/);
  assert.match((await failed({ tool: "rsync", folder: "/srv/a", target: "host:/a" }))?.message ?? "", /absolute/);
  assert.match(
    (await failed({ folder: "/srv/a", target: "/mnt/a", verify_data: "--x" }))?.message ?? "",
    /verify_data/,
  );
  assert.equal((await failed({ folder: "/srv/a", target: "/mnt/a" }))?.name, "NotCapable", "the password");
  await using copying = new TestWorkflow("backup-folder", {});
  assert.equal(
    (await copying.run({ config: { tool: "rsync", folder: "/srv", target: "/mnt" } })).error?.name,
    "NotCapable",
  );
});
