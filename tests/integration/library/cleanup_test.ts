/** The workflow cleanup on real folders, in its sandbox. */
import assert from "node:assert/strict";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

const day = 86_400_000;

/** Cleanup may touch `inside`; `outside` is next to it and must never change. */
class Folders implements AsyncDisposable {
  readonly root: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-cleanup-" }));
  readonly inside: string = `${this.root}/inside`;
  readonly outside: string = `${this.root}/outside`;

  constructor() {
    Deno.mkdirSync(this.inside);
    Deno.mkdirSync(this.outside);
  }

  /** A file of ten bytes that was last changed so many days ago. */
  add(path: string, days: number): void {
    const absolute = `${this.root}/${path}`;
    Deno.mkdirSync(absolute.slice(0, absolute.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(absolute, "0123456789");
    const at = new Date(Date.now() - days * day);
    Deno.utimeSync(absolute, at, at);
  }

  has(path: string): boolean {
    return exists(`${this.root}/${path}`);
  }

  get grants() {
    return { read: [this.inside], write: [this.inside] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

Deno.test("cleanup removes nothing unless dry_run is false, and reports what it would remove", async () => {
  await using folders = new Folders();
  folders.add("inside/old", 8);
  folders.add("inside/new", 6);
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const { messages, error } = await workflow.run({ config: { folder: folders.inside }, prompt: "the disk is full" });
  assert.equal(error, null);
  assert.deepEqual(messages.map((message) => message.role), ["scan", "report"]);
  assert.deepEqual(messages[0]?.meta.files, [{ path: "old", bytes: 10 }]);
  const { content, meta } = messages[1] ?? {};
  assert.match(content ?? "", /dry run: would remove 1 files \(10 B\) \(asked because: the disk is full\)$/);
  assert.deepEqual([meta.dryRun, meta.found, meta.removed], [true, 1, 0]);
  assert.ok(folders.has("inside/old"));
});

long.test("cleanup completes and says so when there is no such folder", async () => {
  await using folders = new Folders();
  const missing = `${folders.inside}/none`;
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  for (const dry_run of [true, false]) {
    const { messages, error } = await workflow.run({ config: { folder: missing, dry_run } });
    assert.equal(error, null);
    assert.deepEqual(messages.map((message) => message.role), ["scan", "report"]);
    assert.match(messages[0]?.content ?? "", /^there is no folder .*none/);
    assert.equal(messages[1]?.content, `${missing}: there is no such folder`);
  }
  assert.ok(!folders.has("inside/none"));
});

long.test("cleanup removes old files in all folders, whatever their names, and keeps recent ones", async () => {
  await using folders = new Folders();
  const old = [
    "plain",
    "line\nbreak",
    "\u00fcml\u00e4ut \u{1f600}",
    "-rf",
    "a/b/c/deep",
    "a/space here/file",
    "..hidden",
    "a/...",
  ];
  for (const path of old) folders.add(`inside/${path}`, 8);
  for (const path of ["young", "a/young"]) folders.add(`inside/${path}`, 1);
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const { messages, error } = await workflow.run({ config: { folder: folders.inside, dry_run: false } });
  assert.equal(error, null);
  assert.deepEqual(messages.map((message) => message.role), ["scan", "remove", "report"]);
  for (const path of old) assert.ok(!folders.has(`inside/${path}`), path);
  for (const path of ["young", "a/young", "a/b/c"]) assert.ok(folders.has(`inside/${path}`), path);
  const { found, removed, removedBytes, gone, kept, more } = messages[2]?.meta ?? {};
  assert.deepEqual({ found, removed, removedBytes, gone, kept, more }, {
    found: old.length,
    removed: old.length,
    removedBytes: old.length * 10,
    gone: 0,
    kept: 0,
    more: false,
  });
  const again = await workflow.run({ config: { folder: folders.inside, dry_run: false } });
  assert.deepEqual(again.messages.map((message) => message.role), ["scan", "report"]);
});

Deno.test("cleanup neither follows nor removes a symbolic link", async () => {
  await using folders = new Folders();
  folders.add("outside/precious", 100);
  folders.add("inside/old", 8);
  Deno.symlinkSync(folders.outside, `${folders.inside}/folder link`);
  Deno.symlinkSync(`${folders.outside}/precious`, `${folders.inside}/file link`);
  Deno.symlinkSync(folders.inside, `${folders.inside}/loop`);
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const { messages } = await workflow.run({ config: { folder: folders.inside, dry_run: false, older_than: "0s" } });
  assert.deepEqual(messages[0]?.meta.files, [{ path: "old", bytes: 10 }]);
  for (const path of ["outside/precious", "inside/folder link", "inside/file link", "inside/loop"]) {
    assert.ok(folders.has(path), path);
  }
});

Deno.test("cleanup checks again before it removes: links, changed files and forged paths are kept", async () => {
  await using folders = new Folders();
  for (const path of ["sub/precious", "touched", "grown", "gone", "old"]) folders.add(`inside/${path}`, 8);
  folders.add("outside/precious", 8);
  const config = { folder: folders.inside, dry_run: false };
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const dry = await workflow.run({ config: { ...config, dry_run: true } });
  const [scan] = dry.messages;
  assert.ok(scan);
  scan.meta.dryRun = false;
  scan.meta.files.push({ path: "../outside/precious", bytes: 10 }, { path: `/${folders.outside}/precious`, bytes: 10 });
  // Between scan and remove a folder is swapped for a link, two files are written and a third is removed.
  Deno.removeSync(`${folders.inside}/sub`, { recursive: true });
  Deno.symlinkSync(folders.outside, `${folders.inside}/sub`);
  Deno.utimeSync(`${folders.inside}/touched`, new Date(), new Date());
  Deno.writeTextFileSync(`${folders.inside}/grown`, "longer than before");
  Deno.utimeSync(`${folders.inside}/grown`, 1_000_000_000, 1_000_000_000);
  Deno.removeSync(`${folders.inside}/gone`);
  const { messages, error, logs } = await workflow.run({ config, messages: [scan] });
  assert.equal(error, null);
  const { removed, gone, keptCount, kept } = messages[1]?.meta ?? {};
  assert.deepEqual({ removed, gone, keptCount }, { removed: 1, gone: 1, keptCount: 5 });
  const reasons = Object.fromEntries(kept.map(({ path, reason }: { path: string; reason: string }) => [path, reason]));
  assert.match(reasons["sub/precious"], /become a link/);
  assert.match(reasons.touched, /changed since/);
  assert.match(reasons.grown, /size has changed/);
  assert.match(reasons["../outside/precious"], /leaves the folder/);
  assert.equal(logs.length, 5);
  for (const path of ["outside/precious", "inside/touched", "inside/grown"]) assert.ok(folders.has(path), path);
});

Deno.test("cleanup counts files that an attempt before a crash removed as gone", async () => {
  await using folders = new Folders();
  for (const path of ["a", "b", "c"]) folders.add(`inside/${path}`, 8);
  const config = { folder: folders.inside, dry_run: false };
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const first = await workflow.run({ config });
  folders.add("inside/c", 8);
  const second = await workflow.run({ config, messages: first.messages.slice(0, 1) });
  assert.deepEqual([second.messages[1]?.meta.removed, second.messages[1]?.meta.gone], [1, 2]);
  assert.equal(second.messages.length, 3);
});

long.test("cleanup removes nothing when nerve.yaml has changed to a dry run since the scan", async () => {
  await using folders = new Folders();
  folders.add("inside/old", 8);
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const first = await workflow.run({ config: { folder: folders.inside, dry_run: false } });
  folders.add("inside/old", 8);
  const second = await workflow.run({ config: { folder: folders.inside }, messages: first.messages.slice(0, 1) });
  assert.match(second.error?.message ?? "", /no longer lets this run remove/);
  assert.ok(folders.has("inside/old"));
});

long.test("cleanup removes only files that match the pattern, and at most max_files", async () => {
  await using folders = new Folders();
  for (const path of ["a.log", "b.log", "sub/c.log", "logs", "x.log.gz", "a+b.txt"]) folders.add(`inside/${path}`, 8);
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  const names = async (config: Record<string, unknown>) => {
    const { messages, error } = await workflow.run({ config: { folder: folders.inside, ...config } });
    assert.equal(error, null);
    const { files, more } = messages[0]?.meta ?? {};
    return { files: files.map(({ path }: { path: string }) => path), more };
  };
  assert.deepEqual(await names({ pattern: "*.log" }), { files: ["a.log", "b.log", "sub/c.log"], more: false });
  assert.deepEqual(await names({ pattern: "?+b.*" }), { files: ["a+b.txt"], more: false });
  assert.deepEqual(await names({ pattern: "*.log", max_files: 2 }), { files: ["a.log", "b.log"], more: true });
  assert.deepEqual(await names({ pattern: "*.log", max_files: 3 }), {
    files: ["a.log", "b.log", "sub/c.log"],
    more: false,
  });
});

long.test("cleanup rejects folders such as the root", async () => {
  await using folders = new Folders();
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  for (const folder of ["/", "//", "/..", "relative", "", undefined]) {
    const { messages, error } = await workflow.run({ config: { folder, dry_run: false, older_than: "0s" } });
    assert.deepEqual(messages, []);
    assert.match(error?.message ?? "", /config\.folder/, `${folder}`);
  }
});

long.test("cleanup works with read and write permission for its folder, and fails with NotCapable without either", async () => {
  await using folders = new Folders();
  folders.add("inside/old", 8);
  const config = { folder: folders.inside, dry_run: false };
  for (const grants of [{}, { read: [folders.inside] }, { read: [folders.outside], write: [folders.outside] }]) {
    await using workflow = new TestWorkflow("cleanup", grants);
    const { error } = await workflow.run({ config });
    assert.equal(error?.name, "NotCapable", JSON.stringify({ grants, error }));
    assert.ok(folders.has("inside/old"));
  }
  await using workflow = new TestWorkflow("cleanup", folders.grants);
  assert.equal((await workflow.run({ config })).error, null);
  assert.ok(!folders.has("inside/old"));
});
