/**
 * Workspaces that another user owns or may change. Danger: somebody leaves a nerve.yaml in a folder such as /tmp, and
 * any command that is typed below it loads, runs, opens or ends what they chose.
 */
import type { Command, RouteMap } from "@stricli/core";
import assert from "node:assert/strict";
import { readTrust, trustVariable } from "../../../src/base/ownership.ts";
import { readOwnProcessId, readProcessStat } from "../../../src/base/process_id.ts";
import { application, runCli } from "../../../src/cli/app.ts";
import type { CliContext } from "../../../src/cli/command.ts";
import { loadNerveConfig } from "../../../src/config/load.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { requireTrustedWorkspace } from "../../../src/config/trust.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { createKernel } from "../../../src/daemon/embedded_kernel.ts";
import { formatLockHolder } from "../../../src/protocol/lock_holder.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { DaemonWorkspace } from "../../support/daemon.ts";
import { long } from "../../support/long_form.ts";
import { refusal } from "../../support/refusal.ts";
import { inTempDir, oneSense, writeWorkspace } from "../../support/temp_workspace.ts";

const isRoot = Deno.uid() === 0 && Deno.build.os === "linux", stranger = 12_345;

async function withWorkspace(test: (root: string, folder: string) => Promise<void> | void): Promise<void> {
  await inTempDir(async (folder) => {
    const root = `${folder}/ws`;
    await writeWorkspace(root, { ...oneSense, "lib/shared.ts": "", "data/logs.db": "", "logs/daemon.json": "{}" });
    for (const name of ["nerve.lock", "nerve.permissions.lock", "nerve.pid", "deno.json"]) {
      Deno.writeTextFileSync(`${root}/${name}`, "");
    }
    for (const name of ["data/senses", "workflows"]) Deno.mkdirSync(`${root}/${name}`);
    await test(root, folder);
  });
}

/** Each command that uses a workspace, by its words. */
function commandsOfWorkspace(): string[] {
  const found: string[] = [];
  const walk = (map: RouteMap<CliContext>, words: readonly string[]) => {
    for (const { name, target } of map.getAllEntries()) {
      const path = [...words, name["convert-camel-to-kebab"]];
      if ("getAllEntries" in target) walk(target, path);
      else if ((target as Command<CliContext>).usesFlag("workspace", "original")) found.push(path.join(" "));
    }
  };
  const { root } = application;
  assert.ok("getAllEntries" in root);
  walk(root, []);
  return found;
}

/** Runs a command with as many words as it asks for. */
async function runWithWords(name: string, cwd: string): Promise<{ code: number; said: string }> {
  const known = { "sense add": "disk-usage", "workflow add": "notify" }[name] ?? "a";
  for (const words of [[], [known], [known, "b"], [known, "b", "c"]]) {
    const io = new CapturedIo({ cwd }), code = await runCli([...name.split(" "), ...words], io), said = io.out + io.err;
    if (code !== 2) return { code, said };
  }
  throw new Error(`nerve ${name} cannot be called`);
}

Deno.test("no command uses a workspace that others may change, and none leaves anything in it", () =>
  withWorkspace(async (root) => {
    Deno.mkdirSync(`${root}/mine`);
    Deno.chmodSync(root, 0o777);
    const names = () => [...Deno.readDirSync(root)].map(({ name }) => name).sort();
    const before = names(), commands = commandsOfWorkspace().filter((name) => name !== "upgrade");
    assert.ok(commands.length > 30, `${commands.length}`);
    for (const name of commands) {
      const { code, said } = await runWithWords(name, `${root}/mine`);
      assert.equal(code, 1, `nerve ${name}: ${said}`);
      assert.match(said, /ws may be changed by every user \(mode 0777\): nothing of it was used/, `nerve ${name}`);
    }
    const io = new CapturedIo({ cwd: `${root}/mine` });
    await runCli(["__complete", "sense", "trigger", ""], io);
    assert.equal(io.out.includes("a\t"), false);
    assert.deepEqual(names(), before);
  }));

const spoiled = [
  "",
  "nerve.yaml",
  "nerve.permissions.lock",
  "nerve.lock",
  "nerve.pid",
  "deno.json",
  "senses",
  "workflows",
  "lib",
  "logs",
  "logs/daemon.json",
  "data",
  "data/logs.db",
  "data/senses",
] as const;

Deno.test("each part of a workspace is refused when every user, or a group with strangers, may change it", () =>
  withWorkspace((root) => {
    const paths = workspacePaths(root);
    requireTrustedWorkspace(paths);
    for (const name of spoiled) {
      const path = `${root}/${name}`.replace(/\/$/, ""), { mode } = Deno.statSync(path);
      Deno.chmodSync(path, (mode ?? 0) & 0o777 | 0o002);
      assert.throws(
        () => requireTrustedWorkspace(paths),
        refusal("OWNER_UNTRUSTED", `${path} may be changed by every user`),
      );
      Deno.chmodSync(path, (mode ?? 0) & 0o777);
      requireTrustedWorkspace(paths);
    }
  }));

Deno.test(
  "each part of a workspace is refused when another user owns it",
  { ignore: !isRoot },
  () =>
    withWorkspace((root, folder) => {
      const paths = workspacePaths(root);
      for (const name of spoiled) {
        const path = `${root}/${name}`.replace(/\/$/, "");
        Deno.chownSync(path, stranger, null);
        const who = refusal("OWNER_UNTRUSTED", `${path} belongs to another user (uid ${stranger})`);
        assert.throws(() => requireTrustedWorkspace(paths), who);
        Deno.chownSync(path, 0, null);
      }
      // Whoever owns a folder on the way may put another workspace in the place of this one.
      Deno.chownSync(folder, stranger, null);
      assert.throws(
        () => requireTrustedWorkspace(paths),
        refusal("OWNER_UNTRUSTED", `${folder} belongs to another user`),
      );
      Deno.chownSync(folder, 0, null);
      requireTrustedWorkspace(paths);
    }),
);

Deno.test("links are followed to what they lead to, and a folder that is sticky protects what is in it", () =>
  withWorkspace(async (root, folder) => {
    const paths = workspacePaths(root);
    await Deno.mkdir(`${folder}/open/senses`, { recursive: true });
    await Deno.rename(`${root}/senses`, `${folder}/senses`);
    Deno.symlinkSync(`${folder}/senses`, `${root}/senses`);
    requireTrustedWorkspace(paths);
    Deno.removeSync(`${root}/senses`);
    Deno.symlinkSync(`${folder}/open/senses`, `${root}/senses`);
    Deno.chmodSync(`${folder}/open`, 0o777);
    assert.throws(() => requireTrustedWorkspace(paths), refusal("OWNER_UNTRUSTED", `${folder}/open may be changed`));
    Deno.chmodSync(`${folder}/open`, 0o1777);
    requireTrustedWorkspace(paths);
    // The workspace itself is no such folder: others may put files into it.
    Deno.chmodSync(root, 0o1777);
    assert.throws(() => requireTrustedWorkspace(paths), refusal("OWNER_UNTRUSTED", "every user (mode 1777)"));
  }));

Deno.test("code that others may change is an error of the configuration, wherever in its folders it is", () =>
  withWorkspace(async (root) => {
    await writeWorkspace(root, { "senses/a/deep/part.ts": "", "senses/a/index.ts": "" });
    const paths = workspacePaths(root);
    for (const [path, key] of [["senses/a/deep/part.ts", "senses.a"], ["lib/shared.ts", ""]] as const) {
      Deno.chmodSync(`${root}/${path}`, 0o666);
      const loaded = await loadNerveConfig(paths);
      const problems = loaded.ok ? [] : loaded.error.filter(({ severity }) => severity === "error");
      assert.deepEqual(problems.map((each) => [each.path, each.message]), [
        [key, `${path} may be changed by every user (mode 0666)`],
      ]);
      Deno.chmodSync(`${root}/${path}`, 0o644);
    }
    assert.ok((await loadNerveConfig(paths)).ok);
  }));

Deno.test("a variable trusts a folder whoever may change it, and sudo the user who called it", () =>
  withWorkspace((root) => {
    const paths = workspacePaths(root),
      trustOf = (text: string) => readTrust((name) => name === trustVariable ? text : undefined);
    Deno.chmodSync(root, 0o777);
    for (const text of [root, `/nowhere:${root}/`, `${root}/..`]) requireTrustedWorkspace(paths, trustOf(text));
    for (const text of ["", "ws", `${root}/data`, `${root}x`, "*"]) {
      assert.throws(() => requireTrustedWorkspace(paths, trustOf(text)), refusal("OWNER_UNTRUSTED"), text);
    }
    const sudo = readTrust((name) => name === "SUDO_UID" ? String(stranger) : undefined);
    assert.equal(sudo.uids.has(stranger), isRoot);
  }));

Deno.test("the kernel refuses such a workspace before it makes anything in it, whatever embeds it", () =>
  withWorkspace(async (root) => {
    const config = parseNerveConfig(oneSense["nerve.yaml"]);
    assert.ok(config.ok);
    await Deno.remove(`${root}/data`, { recursive: true });
    Deno.chmodSync(root, 0o777);
    await assert.rejects(createKernel(config.value.config, root).ready, refusal("OWNER_UNTRUSTED"));
    assert.throws(() => Deno.statSync(`${root}/data`), Deno.errors.NotFound);
  }));

Deno.test("a backup, and folders for one or for a workspace, are refused too", () =>
  withWorkspace(async (root, folder) => {
    const run = async (...args: string[]) => {
      const io = new CapturedIo({ cwd: folder, env: { NERVE_WORKSPACE: root } });
      assert.equal(await runCli(args, io), 1, io.out);
      return io.err;
    };
    Deno.mkdirSync(`${folder}/open`);
    Deno.chmodSync(`${folder}/open`, 0o777);
    assert.match(await run("init", "open"), /open may be changed by every user/);
    assert.match(await run("init", "open/new"), /open may be changed by every user/);
    assert.match(await run("store", "backup", "open/copy"), /open may be changed by every user/);
    await writeWorkspace(folder, { "copy/backup.json": "{}", "copy/data/logs.db": "" });
    Deno.chmodSync(`${folder}/copy/data/logs.db`, 0o666);
    assert.match(
      await run("store", "restore", "copy"),
      /copy\/data\/logs\.db may be changed by every user \(mode 0666\)/,
    );
  }));

long.test("stop ends no process that only a file in the workspace calls its daemon", async () => {
  await using workspace = await DaemonWorkspace.make();
  const { paths } = workspace;
  // It has the lock file open, as an editor or `tail` would, but does not hold the lock.
  Deno.writeTextFileSync(paths.lockFile, "");
  const bystander = new Deno.Command("/bin/sh", { args: ["-c", `exec 9<>"${paths.lockFile}"; exec sleep 600`] })
    .spawn();
  try {
    const startTime = readProcessStat(bystander.pid)?.startTime ?? "", forged = { pid: bystander.pid, startTime };
    Deno.mkdirSync(paths.logs);
    const state = {
      workspace: paths.root,
      state: "running",
      since: 0,
      kernel: bystander.pid,
      deaths: 0,
      problem: null,
    };
    for (const supervisor of [forged, readOwnProcessId(), { pid: -1, startTime: null }, { pid: 1, startTime: "0" }]) {
      for (const kind of ["daemon", "foreground"] as const) {
        Deno.writeTextFileSync(paths.lockFile, formatLockHolder({ ...forged, kind, program: "nerve" }));
        Deno.writeTextFileSync(`${paths.logs}/daemon.json`, JSON.stringify({ ...state, supervisor }));
        const stopped = await workspace.nerve("stop", "--timeout", "100ms");
        assert.equal(stopped.code, 3, stopped.out + stopped.err);
      }
    }
    assert.equal(readProcessStat(bystander.pid)?.state, "S");
    await workspace.start();
    assert.equal((await workspace.nerve("stop")).code, 0);
    assert.equal(readProcessStat(bystander.pid)?.state, "S");
  } finally {
    bystander.kill("SIGKILL");
    await bystander.status;
  }
});

// A git repository carries links: `nerve run` had cut short what one named nerve.lock led to. A pipe never answers.
Deno.test("nothing is used of a workspace whose own files are links or pipes, and what they lead to stays as it is", () =>
  withWorkspace(async (root, folder) => {
    const precious = `${folder}/precious.txt`;
    Deno.writeTextFileSync(precious, "mine");
    const make = {
      link: (path: string) => Deno.symlinkSync(precious, path),
      pipe: (path: string) => void new Deno.Command("mkfifo", { args: [path] }).outputSync(),
    };
    const names = new Set(["nerve.lock", "nerve.pid", "data/logs.db"]);
    const cases = [["nerve.lock", "link"], ["nerve.lock", "pipe"], ["nerve.pid", "link"], [
      "data/logs.db",
      "pipe",
    ]] as const;
    for (const [name, kind] of [...cases, ["logs/nerve.log", "pipe"] as const]) {
      const path = `${root}/${name}`;
      if (names.has(name)) Deno.removeSync(path);
      make[kind](path);
      for (const command of ["run", "status", "logs", "doctor", "stop"]) {
        const io = new CapturedIo({ cwd: root }), code = await runCli([command], io);
        assert.notEqual(code, 0, `${command} with ${name}`);
        assert.match(io.out + io.err, new RegExp(`${name} is (a symbolic link|no file)`), command);
      }
      Deno.removeSync(path);
      Deno.writeTextFileSync(path, "");
    }
    assert.equal(Deno.readTextFileSync(precious), "mine");
  }));
