/**
 * The portable file: the promises of every form (cases.ts), and those that only it makes: its first use, and where it
 * unpacks. All in the long form: the gate has the cases from the sources. The speed guard checks how fast it starts.
 */
import assert from "node:assert/strict";
import { hashFile } from "../../../src/cli/daemon/installation.ts";
import { testCases } from "./cases.ts";
import { finish, type Form, formOf, succeed } from "../../support/forms.ts";
import { isLong, long } from "../../support/long_form.ts";
import { join } from "../../support/paths.ts";
import { copyProgram, writeProgram } from "../../support/programs.ts";
import { repository } from "../../support/source_files.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-portable-" }));
const file = join(folder, "nerve"), isRoot = Deno.uid() === 0;
let output = "";

Deno.test.beforeAll(async () => {
  if (!isLong) return;
  // An ordinary Deno does not serve as runtime for compiled programs: this stands for a machine that has no such
  // runtime.
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--cached-only", "tools/build/main.ts", "--out", file],
    cwd: repository,
    env: { DENORT_BIN: Deno.execPath() },
  }).output();
  output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
});

Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));

/** A form with a home that has never been used, and a temporary folder of its own. */
async function fresh(name: string, env: Record<string, string> = {}): Promise<Form & { home: string; temp: string }> {
  const home = join(folder, name, "home of one"), temp = join(folder, name, "temp");
  for (const path of [home, temp]) await Deno.mkdir(path, { recursive: true });
  const form = await formOf("portable", file, home);
  return { ...form, env: { ...form.env, TMPDIR: temp, ...env }, home, temp };
}

function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).sort();
}

const mode = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o777;

long.test(
  "a build that cannot compile says so in one line, makes the portable file and writes its checksum",
  async () => {
    assert.match(output, /^⚠️ .*: building the portable form instead\n✅ .*: portable, .*\n {3}sha256 [0-9a-f]{64}\n$/);
    const sum = (await Deno.readTextFile(`${file}.sha256`)).slice(0, 64);
    assert.equal(sum, await hashFile(file));
    assert.ok(output.includes(sum));
    assert.deepEqual(names(folder), ["nerve", "nerve.sha256"]);
  },
);

long.test(
  "a runtime of this machine is not used for another machine, and the attempt leaves nothing behind",
  async () => {
    const other = Deno.build.arch === "x86_64" ? "aarch64-unknown-linux-gnu" : "x86_64-unknown-linux-gnu";
    const out = join(folder, "other", "nerve");
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--cached-only", "tools/build/main.ts", "--out", out, "--target", other],
      cwd: repository,
      env: { DENORT_BIN: Deno.execPath() },
    }).output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stdout),
      /^❌ nerve: deno compile has no runtime to build on .*\n {3}.*for .*linux-gnu/,
    );
    assert.deepEqual(names(join(folder, "other")), []);
  },
);

testCases("portable", folder, () => file);

long.test("two concurrent first uses both work and leave one private folder", async () => {
  const form = await fresh("twice");
  const both = await Promise.all([0, 1].map(() => finish(form, ["version"], folder)));
  for (const { code, out, err } of both) assert.deepEqual([code, err, /^nerve /.test(out)], [0, "", true]);
  const cache = join(form.home, ".cache/nerve"), unpacked = names(cache);
  const [hash = "", ...others] = unpacked.filter((name) => name !== "deno");
  assert.deepEqual([others, unpacked.length], [[], 2], "the version, and Deno's own cache");
  assert.deepEqual(
    names(join(cache, hash)),
    [".complete", "app", "deno"],
    "nothing of the other first use is left inside",
  );
  for (const path of [cache, join(cache, hash)]) assert.equal(await mode(path), 0o700);
  assert.deepEqual(names(form.temp), []);
});

for (const [what, path] of [["the runtime", "deno"], ["nerve's code", "app/src/bundle/main.js"]] as const) {
  long.test(
    `a cache in which ${what} was damaged is unpacked again, and that is said once`,
    async () => {
      // The bug was: a truncated runtime ended with a signal, and nobody said why.
      const form = await fresh(`damaged ${path.split("/")[0]}`);
      assert.equal((await finish(form, ["version"], folder)).code, 0);
      const cache = join(form.home, ".cache/nerve"), hash = names(cache).find((name) => name !== "deno") ?? "";
      const damaged = join(cache, hash, path), { size } = await Deno.stat(damaged);
      await Deno.truncate(damaged, Math.floor(size / 2));
      const mended = await finish(form, ["version"], folder);
      assert.match(mended.out, /^nerve /);
      assert.equal(
        mended.err,
        `nerve: the copy in ${join(cache, hash)} is damaged or incomplete, unpacking it again\n`,
      );
      assert.equal((await Deno.stat(damaged)).size, size);
      const after = await finish(form, ["version"], folder);
      assert.deepEqual([after.code, after.err], [0, ""]);
      assert.deepEqual(names(cache).filter((name) => name.startsWith(".")), []);
    },
  );
}

long.test("with a read-only home it unpacks into a private temporary folder, and says so once", async () => {
  const form = await fresh("read-only", { HOME: "/proc/nowhere" });
  const first = await finish(form, ["version", "--json"], folder);
  assert.equal(first.code, 0, first.err);
  assert.match(first.err, /^nerve: cannot unpack into \/proc\/nowhere\/\.cache\/nerve .*, using .* instead\n$/);
  assert.equal(JSON.parse(first.out).form, "portable");
  const private_ = join(form.temp, `nerve-cache-${Deno.uid()}`);
  assert.equal(await mode(private_), 0o700);
  const second = await finish(form, ["version"], folder);
  assert.deepEqual([second.code, second.err], [0, ""]);
});

long.test({
  name: "a temporary folder that another user prepared is not used",
  ignore: !isRoot,
  async fn() {
    const form = await fresh("foreign", { HOME: "/proc/nowhere" });
    const prepared = join(form.temp, `nerve-cache-${Deno.uid()}`);
    await Deno.mkdir(prepared, { mode: 0o777 });
    await Deno.chown(prepared, 12345, 12345);
    const { code, err } = await finish(form, ["version"], folder);
    assert.equal(code, 1);
    assert.match(err, /❌ cannot unpack into .*: its content is not ours, or is incomplete\n {3}set XDG_CACHE_HOME/);
    assert.deepEqual(names(prepared), []);
  },
});

long.test("a damaged file reports the damage, wherever it was cut or changed, and leaves nothing behind", async () => {
  const form = await fresh("damaged"), damaged = join(folder, "damaged", "nerve"), copy = `${damaged}.copy`;
  const broken = { ...form, command: [...form.command.slice(0, -1), damaged] };
  const inHeader = 1_000, inArchive = 10_000_000;
  for (const harm of ["cut", "changed", "cut in its header"]) {
    await Deno.copyFile(file, copy);
    if (harm === "changed") {
      using open = await Deno.open(copy, { read: true, write: true });
      const byte = new Uint8Array(1);
      await open.seek(inArchive, Deno.SeekMode.Start);
      await open.read(byte);
      await open.seek(inArchive, Deno.SeekMode.Start);
      await open.write(byte.map((value) => value ^ 1));
    } else await Deno.truncate(copy, harm === "cut" ? inArchive : inHeader);
    copyProgram(copy, damaged);
    const { code, out, err } = await finish(broken, ["version"], folder);
    assert.equal(out, "", harm);
    // What a shell prints about half a script is up to the shell; that it fails is up to us.
    if (harm === "cut in its header") assert.notEqual(code, 0);
    else {
      assert.equal(code, 1, harm);
      assert.match(err, /^❌ .*damaged\/nerve is damaged or incomplete\n {3}download it again.*\n$/);
      assert.deepEqual(names(join(form.home, ".cache/nerve")), []);
    }
  }
});

long.test("a missing tool or missing disk space at the first use is reported in one line", async () => {
  const form = await fresh("lacking"), tools = join(folder, "lacking", "tools");
  await Deno.mkdir(tools);
  for (const tool of ["sh", "tail", "gzip", "mkdir", "mktemp", "chmod", "mv", "rm", "id"]) {
    await Deno.symlink((await which(tool)).trim(), join(tools, tool));
  }
  const alone = { ...form, env: { ...form.env, PATH: tools }, command: [join(tools, "sh"), file] };
  const withoutTar = await finish(alone, ["version"], folder);
  assert.equal(withoutTar.code, 1);
  assert.match(withoutTar.err, /^❌ the first use unpacks .*, and needs tar\n {3}install tar\n$/);
  // As on a full disk, tar fails, with a message for each of the files.
  const script = '#!/bin/sh\nfor n in 1 2 3; do echo "tar: file $n: No space left on device" >&2; done\nexit 2\n';
  writeProgram(join(tools, "tar"), script);
  const full = await finish(alone, ["version"], folder);
  assert.equal(full.code, 1);
  assert.match(
    full.err,
    /^nerve: .*\(tar: file 1: No space left on device\), using .*\n❌ .*: tar: file 1: .*\n {3}set .*\n$/,
  );
  assert.deepEqual(
    [...names(join(form.home, ".cache/nerve")), ...names(join(form.temp, `nerve-cache-${Deno.uid()}`))],
    [],
  );
});

async function which(tool: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`] }).output();
  return new TextDecoder().decode(stdout);
}

long.test("an incomplete cache is unpacked again, and a relative one is ignored", async () => {
  const form = await fresh("cleaned", { XDG_CACHE_HOME: "relative" }), elsewhere = join(folder, "cleaned");
  await succeed(form, ["version"], elsewhere);
  assert.deepEqual(names(elsewhere), ["home of one", "temp"]);
  const cache = join(form.home, ".cache/nerve"), [hash = ""] = names(cache).filter((name) => name !== "deno");
  await Deno.remove(join(cache, hash, "app/src/bundle/sandbox_shim.js"));
  const { code, out, err } = await finish(form, ["version"], elsewhere);
  assert.equal(code, 0, err);
  assert.match(out, /portable/);
  assert.match(err, /^nerve: the copy in .* is damaged or incomplete, unpacking it again\n$/);
});

long.test("deno.json, package.json and .npmrc in the user's home have no effect", async () => {
  const form = await fresh("crowded");
  await writeWorkspace(form.home, {
    "deno.json": `{ "workspace": ["./other"], "imports": { "zod": "./nothing.ts" } }`,
    "other/deno.json": "{}",
    "package.json": `{ "dependencies": { "is-odd": "3.0.1" } }`,
    ".npmrc": "registry=http://localhost:1/\n",
    "watch/nerve.yaml": "senses: {}\n",
  });
  const { code, err } = await finish(form, ["sense", "list", "--json"], join(form.home, "watch"));
  assert.deepEqual([code, err], [0, ""]);
});

long.test("it is found through PATH and through a symlink", async () => {
  const form = await fresh("linked"), bin = join(folder, "linked", "bin");
  await Deno.mkdir(bin);
  await Deno.symlink(file, join(bin, "nerve"));
  const through = { ...form, command: [...form.command.slice(0, -1), "nerve"], env: { ...form.env } };
  through.env["PATH"] = `${bin}:${form.env["PATH"]}`;
  assert.match(await succeed(through, ["version"], "/"), /portable/);
  const byShell = { ...form, command: ["sh", "nerve"], env: { ...form.env } };
  assert.match(await succeed(byShell, ["version"], bin), /portable/);
});

long.test("upgrade replaces the portable file of a running daemon, which then runs the new one", async () => {
  const form = await fresh("upgraded"), installed = join(folder, "upgraded", "nerve"), next = join(folder, "next");
  copyProgram(file, installed);
  copyProgram(file, next);
  // Behind the end of the archive: different content, the same nerve.
  await Deno.writeTextFile(next, "\n", { append: true });
  const own = { ...form, command: [...form.command.slice(0, -1), installed] };
  const root = join(form.home, "watch");
  await succeed(own, ["init", root], form.home);
  await succeed(own, ["start"], root);
  try {
    const pid = async () => JSON.parse(await succeed(own, ["status", "--json"], root)).health.pid;
    const before = await pid();
    const output = await succeed(own, ["upgrade", "--from", next], root);
    assert.match(output, /✅ .*upgraded\/nerve: nerve .* is now .*\n[^]*the daemon of .* runs on the new version/);
    assert.equal((await Deno.stat(installed)).size, (await Deno.stat(next)).size);
    assert.notEqual(await pid(), before);
  } finally {
    await succeed(own, ["stop"], root);
  }
});

long.test("install.sh installs it into a clean home, where it creates a workspace", async () => {
  const form = await fresh("installed"), { home } = form;
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [join(repository, "install.sh"), file],
    clearEnv: true,
    env: { ...form.env },
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.equal(code, 0, output);
  assert.match(output, /✅ nerve .* \(portable, .*\n {3}in .*\/\.local\/bin\/nerve, checksum verified/);
  const installed = { ...form, command: [...form.command.slice(0, -1), join(home, ".local/bin/nerve")] };
  await succeed(installed, ["init", "watch"], home);
  assert.match(await succeed(installed, ["validate"], join(home, "watch")), /3 senses/);
});

long.test("a systemd unit starts the file that was installed, not what it unpacked", async () => {
  const form = await fresh("unit"), root = join(form.home, "watch");
  await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
  const { out, err } = await finish(form, ["service", "install"], root);
  const units = join(form.home, ".config/systemd/user");
  const written = await Array.fromAsync(Deno.readDir(units), ({ name }) => Deno.readTextFile(join(units, name)))
    .catch(() => []);
  assert.ok([out, err, ...written].join("\n").includes(`ExecStart=${file} run --workspace`), out + err);
});
